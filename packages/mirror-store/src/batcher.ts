/**
 * Batches operations requested at about the same time. Adds no delay: an operation is sent at the end of the current turn of the event
 * loop, unless `maxInFlight` batches are already in flight; then it joins the next one.
 * `run` returns a result per operation, in order; when it rejects, its whole batch rejects.
 */
export function createBatcher<Op, Result>(options: {
  readonly maxOps: number;
  /** Maximum size of a batch, by `sizeOf`; a larger operation is sent alone. */
  readonly maxSize?: number;
  readonly sizeOf?: (op: Op) => number;
  readonly maxInFlight: number;
  readonly run: (ops: readonly Op[]) => Promise<readonly PromiseSettledResult<Result>[]>;
}): (op: Op) => Promise<Result> {
  const { maxOps, maxSize = Number.POSITIVE_INFINITY, sizeOf = () => 0, maxInFlight, run } = options;
  let waiting: Waiting<Op, Result>[] = [];
  let inFlight = 0;
  let scheduled = false;

  function schedule(): void {
    if (scheduled || waiting.length === 0 || inFlight >= maxInFlight) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      while (waiting.length > 0 && inFlight < maxInFlight) void send(take());
    });
  }

  function take(): readonly Waiting<Op, Result>[] {
    let size = 0;
    let count = 0;
    for (const { op } of waiting) {
      size += sizeOf(op);
      if (count === maxOps || (count > 0 && size > maxSize)) break;
      count += 1;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return batch;
  }

  async function send(batch: readonly Waiting<Op, Result>[]): Promise<void> {
    inFlight += 1;
    try {
      const results = await run(batch.map(({ op }) => op));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[index];
        if (result?.status === 'fulfilled') resolve(result.value);
        else reject(result === undefined ? new Error('a batch returned fewer results than operations') : result.reason);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      inFlight -= 1;
      schedule();
    }
  }

  return async (op) =>
    new Promise((resolve, reject) => {
      waiting.push({ op, resolve, reject });
      schedule();
    });
}

interface Waiting<Op, Result> {
  readonly op: Op;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}
