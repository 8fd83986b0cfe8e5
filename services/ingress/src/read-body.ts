import type { IncomingMessage } from 'node:http';

export type ReadBody =
  /** The caller must return `raw.length` bytes to the memory budget when the request is done. */
  | { readonly kind: 'body'; readonly raw: Buffer }
  | { readonly kind: 'too_large' }
  /** The memory budget of all bodies is used up. */
  | { readonly kind: 'no_room' }
  /** The sender disconnected, or was too slow. */
  | { readonly kind: 'aborted' };

/** Limits the bytes of all request bodies in memory. */
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

/** Reads the exact bytes of a body, at most `maxBytes` whatever Content-Length says. Never rejects. */
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
 * Discards the rest of an unwanted body, so that the sender can read the response; a sender that exceeds `maxBytes` is cut off.
 * (Node's own request timeout ends a slow one.) Resolves when nothing more comes; never rejects.
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
 * The response to a request whose body is still arriving: sent at once, but ended only when the body has ended. Node closes a
 * non-keep-alive connection as soon as the response ends, and a sender still writing its body would read a reset instead of the response.
 */
export async function* answerBeforeEnd(text: string, rest: Promise<void>): AsyncGenerator<string> {
  yield text;
  await rest;
}
