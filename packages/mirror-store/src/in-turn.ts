import { unavailable } from './errors.ts';

/**
 * What `of` makes of each document, read as it is iterated. The cursor is closed at the end, also when that comes early. Rejects with a
 * `StoreUnavailableError` of the text `failure`.
 */
export async function* inTurn<D, T>(
  found: AsyncIterable<D> & { close(): Promise<void> },
  of: (document: D) => T,
  failure: string,
): AsyncGenerator<T> {
  try {
    for await (const document of found) yield of(document);
  } catch (error) {
    throw unavailable(failure, error);
  } finally {
    await found.close();
  }
}
