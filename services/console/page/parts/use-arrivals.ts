import { useCallback, useEffect, useState, type RefObject } from 'react';
import type { EventLine } from '../../src/answers/events.ts';
import type { StreamedOutcomes } from '../../src/answers/stream.ts';
import { arrive, noArrivals, showWaiting, type Arrivals } from './arrivals.ts';
import { useLive } from './use-live.ts';

interface Options {
  /** Null: not live. */
  readonly wanted: { readonly tenant: string | undefined } | null;
  /** Stable between renders. */
  readonly isWanted: (event: EventLine) => boolean;
  /** Where the list is: while the reader is in there, nothing moves. */
  readonly list: RefObject<HTMLElement | null>;
  /** Something was missed, and the list is not being read: it must be loaded again. */
  readonly onGap: () => void;
}

/** Live events that do not fight the reader. */
export function useArrivals({ wanted, isWanted, list, onGap }: Options) {
  const [arrivals, setArrivals] = useState<Arrivals>(noArrivals);
  const take = useCallback(
    ({ events, left, settled = [] }: StreamedOutcomes) => {
      const isReading = isReadingIn(list.current);
      setArrivals((known) => arrive(known, { events: events.filter(isWanted), left, settled }, isReading));
    },
    [isWanted, list],
  );
  const [hasGap, setHasGap] = useState(false);
  const state = useLive({
    wanted,
    onOutcomes: take,
    onWaiting: ({ events }) => take({ events, left: 0 }),
    onGap: () => (isReadingIn(list.current) ? setHasGap(true) : onGap()),
  });
  /** What was loaded before anything arrived; later only what of it is new. */
  const seed = useCallback(
    (events: readonly EventLine[]) => {
      const isReading = isReadingIn(list.current);
      setArrivals((known) => (known === noArrivals ? { ...known, shown: events } : arrive(known, { events, left: 0 }, isReading)));
    },
    [list],
  );
  const show = () => {
    setArrivals(showWaiting);
    if (hasGap) onGap();
    setHasGap(false);
  };
  const reset = useCallback(() => setArrivals(noArrivals), []);
  useEffect(() => {
    if (state === 'off') reset();
  }, [state, reset]);
  return { arrivals, hasGap, state, seed, show, reset };
}

/** Scrolled into the list, with the pointer or the focus in it, or with selected text. */
function isReadingIn(list: HTMLElement | null): boolean {
  if (list === null) return false;
  const selection = window.getSelection();
  return (
    list.getBoundingClientRect().top < 0 ||
    list.matches(':hover') ||
    list.contains(document.activeElement) ||
    (selection !== null && !selection.isCollapsed && list.contains(selection.anchorNode))
  );
}
