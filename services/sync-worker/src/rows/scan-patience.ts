/** Single reads of rows that were written recently, in one window. */
const fewReads = 20;
/** How often a window waits for them. After that they are read singly, however many: a table may be edited all the time. */
const mostWaits = 3;

/** Decides whether rows that were written recently are read singly, or the same window is read again once the lag has passed. */
export interface Patience {
  /** Whether so many more single reads are acceptable. */
  mayRead(reads: number): boolean;
  /** The same window is read again. */
  waited(): void;
  nextWindow(): void;
}

export function createPatience(): Patience {
  let read = 0;
  let waits = 0;
  return {
    mayRead(reads) {
      if (read + reads > fewReads && waits < mostWaits) return false;
      read += reads;
      return true;
    },
    waited() {
      read = 0;
      waits += 1;
    },
    nextWindow() {
      read = 0;
      waits = 0;
    },
  };
}
