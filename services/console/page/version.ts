import { useSyncExternalStore } from 'react';

let first: string | null = null;
let isOutdated = false;
const listeners = new Set<() => void>();

/** The server's version, as each answer carries it. The first one is that of this page. */
export function noteVersion(version: string | null): void {
  if (version === null) return;
  first ??= version;
  if (isOutdated || version === first) return;
  isOutdated = true;
  for (const listener of listeners) listener();
}

/** Whether the server has been updated since this page was loaded: then it must be reloaded before it acts. */
export function useIsOutdated(): boolean {
  return useSyncExternalStore(listen, () => isOutdated);
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
