import { useSyncExternalStore } from 'react';

let said = '';
const listeners = new Set<() => void>();

/** Has a screen reader say what an action did, when it has nothing else to say. */
export function announce(text: string): void {
  said = text;
  for (const listener of listeners) listener();
}

/** What was said last. */
export function useAnnounced(): string {
  return useSyncExternalStore(listen, () => said);
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
