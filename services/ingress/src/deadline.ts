export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** What `work` gives if that takes at most `ms`, else rejects with DeadlineError. The work itself goes on; its late result is dropped. */
export async function withDeadline<T>(what: string, ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new DeadlineError(`${what} took longer than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
