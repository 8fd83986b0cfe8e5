import type { IncomingMessage } from 'node:http';

export type ReadBody =
  /** Whoever gets it gives `raw.length` bytes back to the memory budget when the request is done. */
  | { readonly kind: 'body'; readonly raw: Buffer }
  | { readonly kind: 'too_large' }
  /** All bodies together would hold more than the memory budget. */
  | { readonly kind: 'no_room' }
  /** The sender went away, or was too slow. */
  | { readonly kind: 'aborted' };

/** Bytes that request bodies may hold in memory together. */
export interface ByteBudget {
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
  readonly held: number;
}

export function createByteBudget(maxBytes: number): ByteBudget {
  let held = 0;
  return {
    take(bytes) {
      if (held + bytes > maxBytes) return false;
      held += bytes;
      return true;
    },
    giveBack(bytes) {
      held -= bytes;
    },
    get held() {
      return held;
    },
  };
}

/** The exact bytes of a body, at most `maxBytes`, whatever Content-Length says. Never rejects. */
export async function readBody(request: IncomingMessage, maxBytes: number, budget: ByteBudget): Promise<ReadBody> {
  const chunks: Buffer[] = [];
  let size = 0;
  const result = await new Promise<ReadBody['kind']>((resolve) => {
    const finish = (kind: ReadBody['kind']) => {
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      resolve(kind);
    };
    const onData = (chunk: Buffer) => {
      if (size + chunk.length > maxBytes) return finish('too_large');
      if (!budget.take(chunk.length)) return finish('no_room');
      size += chunk.length;
      chunks.push(chunk);
    };
    const onEnd = () => finish('body');
    const onClose = () => finish('aborted');
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
  if (result === 'body') return { kind: 'body', raw: Buffer.concat(chunks, size) };
  budget.giveBack(size);
  return { kind: result };
}

/**
 * Lets the rest of a body that nobody wants pass by, so that the sender gets to read the answer; one who goes on and on is cut off.
 * (Node's own timeout for a whole request ends a slow one.) Resolves when nothing more comes; never rejects.
 */
export function discardRest(request: IncomingMessage, maxBytes: number): Promise<void> {
  return new Promise((resolve) => {
    let size = 0;
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) request.socket.destroy();
    });
    request.once('end', resolve).once('close', resolve);
    request.resume();
  });
}

/**
 * The answer to a request whose body is still coming: all of it at once, but its end only when the sender has come to his. Node closes a
 * connection that is not to be kept as soon as the answer has ended, and a sender in the middle of his body reads a reset, not the answer.
 */
export async function* answerBeforeEnd(text: string, rest: Promise<void>): AsyncGenerator<string> {
  yield text;
  await rest;
}
