import Denque from 'denque';

/**
 * Which lane is next, one turn each. Lanes with nothing running go first, and half of the slots are for them alone: tenants whose every call
 * hangs do not delay the others until there are more of them than half of the slots.
 */
export interface Turns<L> {
  /** `lane` could start a task. Entering again before its turn changes nothing, except that a lane whose last run has ended goes first. */
  enter(lane: L, isRunning: boolean): void;
  /** Takes the lane whose turn it is, given how many slots are in use; undefined when there is none, or no slot for it. */
  next(slotsInUse: number): L | undefined;
}

export function createTurns<L>(slots: number): Turns<L> {
  const reserved = Math.floor(slots / 2);
  const fresh = new Denque<L>();
  /** The contents of `fresh`. A Set alone would do, but taking its first entry gets slower with each one taken. */
  const isFresh = new Set<L>();
  /** Lanes that run something and want another slot. */
  const wantMore = new Set<L>();
  return {
    enter(lane, isRunning) {
      if (isFresh.has(lane)) return;
      if (isRunning) {
        wantMore.add(lane);
        return;
      }
      wantMore.delete(lane);
      isFresh.add(lane);
      fresh.push(lane);
    },
    next(slotsInUse) {
      if (slotsInUse >= slots) return undefined;
      const first = fresh.shift();
      if (first !== undefined) {
        isFresh.delete(first);
        return first;
      }
      if (slotsInUse >= slots - reserved) return undefined;
      const [lane] = wantMore;
      if (lane !== undefined) wantMore.delete(lane);
      return lane;
    },
  };
}
