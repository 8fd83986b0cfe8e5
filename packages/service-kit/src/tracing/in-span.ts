import type { Span } from './tracing.ts';

/** Ends the span of work that failed, with the kind of the error: its message may hold a customer's text. */
export function endFailed(span: Span | null, error: unknown): void {
  span?.end(error instanceof Error ? error.name : typeof error);
}

/** Does work, and ends its span with it. Rejects with what `work` does. */
export async function inSpan<T>(span: Span | null, work: () => Promise<T>): Promise<T> {
  try {
    const result = await work();
    span?.end();
    return result;
  } catch (error) {
    endFailed(span, error);
    throw error;
  }
}
