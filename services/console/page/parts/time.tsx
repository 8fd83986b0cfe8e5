import { useLocalStorage } from '@mantine/hooks';
import { useSyncExternalStore } from 'react';
import { ageText, instantText } from './time-text.ts';

/** Whether times are shown as UTC instead of the reader's own zone, and how to change that. */
export function useUtc() {
  return useLocalStorage({ key: 'utc', defaultValue: false, getInitialValueInEffect: false });
}

/** An instant: local (or UTC by the switch), in UTC on hover, with its age. Null is a dash. */
export function Time({ at, withAge = true }: { readonly at: string | null | undefined; readonly withAge?: boolean }) {
  const [utc] = useUtc();
  const now = useNow();
  if (at === null || at === undefined) return <span className="dim">–</span>;
  const date = new Date(at);
  return (
    <time dateTime={at} title={date.toISOString()} className="time">
      {instantText(date, new Date(now), utc)}
      {withAge ? <span className="dim"> {ageText(now - date.getTime())}</span> : null}
    </time>
  );
}

/** «3 s ago», of something that is refreshed. */
export function Age({ at }: { readonly at: number }) {
  return <>{ageText(useNow() - at)}</>;
}

/** The time in ms, which moves once a second while the page is visible. One timer serves all that use it. */
export function useNow(): number {
  return useSyncExternalStore(listen, () => now);
}

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function listen(listener: () => void): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    // It stood still while nothing on the page had a time.
    now = Date.now();
    timer = setInterval(tick, 1_000);
    document.addEventListener('visibilitychange', tick);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    document.removeEventListener('visibilitychange', tick);
  };
}

function tick(): void {
  if (document.hidden) return;
  now = Date.now();
  for (const each of listeners) each();
}
