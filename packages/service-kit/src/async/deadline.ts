import pTimeout from 'p-timeout';

/** Something took longer than it may. What was begun goes on; its late result is dropped. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** What `work` gives, unless `ms` pass (DeadlineError with `message`) or `signal` aborts (its reason) before. */
export async function withDeadline<T>(
  work: Promise<T>,
  { ms, message = `no answer within ${ms} ms`, signal }: { readonly ms: number; readonly message?: string; readonly signal?: AbortSignal },
): Promise<T> {
  return pTimeout(work, { milliseconds: ms, message: new DeadlineError(message), ...(signal === undefined ? {} : { signal }) });
}

/** Whether `work` settles, in whatever way, before `deadline` (epoch ms). */
export async function settlesBefore(work: Promise<unknown>, deadline: number): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  );
  return pTimeout(settled, { milliseconds: Math.max(1, deadline - Date.now()), fallback: () => false });
}
