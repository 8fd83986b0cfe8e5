/** One run of a worker in a model, over one or more events. It pauses at every step until the history resumes it. */
export interface Run {
  resume: (() => void) | null;
  finished: boolean;
  error: Error | null;
  /** True time of its last read of the record. */
  readAt: number;
}

export function startRun(work: (run: Run) => Promise<void>): Run {
  const run: Run = { resume: null, finished: false, error: null, readAt: Number.POSITIVE_INFINITY };
  void follow(run, work);
  return run;
}

async function follow(run: Run, work: (run: Run) => Promise<void>): Promise<void> {
  try {
    await work(run);
  } catch (error) {
    run.error = new Error('a worker threw', { cause: error });
  }
  run.finished = true;
}

export function pause(run: Run): Promise<void> {
  return new Promise((resolve) => {
    run.resume = resolve;
  });
}

/** Lets the run go on to its next pause or its end. */
export async function step(run: Run): Promise<void> {
  const { resume } = run;
  run.resume = null;
  resume?.();
  while (run.resume === null && !run.finished) await Promise.resolve();
  if (run.error !== null) throw run.error;
}
