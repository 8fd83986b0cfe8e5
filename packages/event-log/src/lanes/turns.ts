import Denque from 'denque';

/**
 * Which lane starts something next, one turn each. Lanes with nothing running go first, and half of the slots are for them alone: tenants whose
 * every call hangs delay no other before there are more of them than half of the slots.
 */
export interface Turns<L> {
  /** `lane` could start something. Entering again before its turn changes nothing, except that a lane whose last run has ended goes first. */
  enter(lane: L, isRunning: boolean): void;
  /** Takes the lane whose turn it is, given how many slots are in use; undefined when there is none, or no slot for it. */
  next(slotsInUse: number): L | undefined;
}

export function createTurns<L>(slots: number): Turns<L> {
  const reserved = Math.floor(slots / 2);
  const fresh = new Denque<L>();
  /** What is in `fresh`. A Set alone would do, if taking its first entry did not get slower with each one taken. */
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
