import pTimeout from 'p-timeout';

/** A deadline has passed. The work itself goes on; its late result is dropped. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** The result of `work`. Rejects with DeadlineError (`message`) after `ms`, and with the signal's reason when it aborts. */
export async function withDeadline<T>(
  work: Promise<T>,
  { ms, message = `no answer within ${ms} ms`, signal }: { readonly ms: number; readonly message?: string; readonly signal?: AbortSignal },
): Promise<T> {
  return pTimeout(work, { milliseconds: ms, message: new DeadlineError(message), ...(signal === undefined ? {} : { signal }) });
}

/** Whether `work` fulfils or rejects before `deadline` (epoch ms). */
export async function settlesBefore(work: Promise<unknown>, deadline: number): Promise<boolean> {
  const settled = work.then(
    () => true,
    () => true,
  );
  return pTimeout(settled, { milliseconds: Math.max(1, deadline - Date.now()), fallback: () => false });
}
