import type { Agenda } from './agenda.ts';

export interface Machine {
  /** Does `microseconds` of work in a process and then goes on. */
  work(process: string, microseconds: number, onDone: () => void): void;
  /** µs that each process has worked. */
  readonly busy: ReadonlyMap<string, number>;
}

/**
 * Processes on so many cores, first come first served, each with one thread but for those in `threads`. A process that was asleep takes more for what
 * wakes it.
 */
export function createMachine(
  agenda: Agenda,
  of: {
    readonly cores: number;
    /** Of a process, µs. */
    readonly wakeUpOf: (process: string) => number;
    readonly sleepsAfterMs: number;
    readonly threads: Readonly<Record<string, number>>;
  },
): Machine {
  const queues = new Map<string, { microseconds: number; onDone: () => void }[]>();
  const running = new Map<string, number>();
  /** A process stands here once for each thing that it can do now. */
  const ready: string[] = [];
  const busy = new Map<string, number>();
  const endedAt = new Map<string, number>();
  let coresUsed = 0;

  function start(): void {
    while (coresUsed < of.cores) {
      const process = ready.shift();
      if (process === undefined) return;
      const task = queues.get(process)?.shift();
      if (task === undefined) continue;
      coresUsed += 1;
      running.set(process, (running.get(process) ?? 0) + 1);
      busy.set(process, (busy.get(process) ?? 0) + task.microseconds);
      agenda.at(agenda.now + task.microseconds / 1_000, () => {
        coresUsed -= 1;
        running.set(process, (running.get(process) ?? 0) - 1);
        endedAt.set(process, agenda.now);
        makeReady(process);
        task.onDone();
        start();
      });
    }
  }

  function makeReady(process: string): void {
    const waiting = queues.get(process)?.length ?? 0;
    const standing = ready.filter((one) => one === process).length;
    const free = (of.threads[process] ?? 1) - (running.get(process) ?? 0);
    if (standing < Math.min(waiting, free)) ready.push(process);
  }

  return {
    busy,
    work(process, microseconds, onDone) {
      const queue = queues.get(process) ?? [];
      queues.set(process, queue);
      const isIdle = queue.length === 0 && (running.get(process) ?? 0) === 0;
      const sleeps = isIdle && agenda.now - (endedAt.get(process) ?? Number.NEGATIVE_INFINITY) >= of.sleepsAfterMs;
      queue.push({ microseconds: microseconds + (sleeps ? of.wakeUpOf(process) : 0), onDone });
      makeReady(process);
      start();
    },
  };
}
