import { PassThrough } from 'node:stream';
import type { StreamMessage } from './route.ts';

const commentMs = 15_000;

/** The body of `text/event-stream`: the messages, and a comment now and then so that no proxy takes the connection for idle. */
export function eventStream(messages: AsyncIterable<StreamMessage>, onError: (error: unknown) => StreamMessage | null): PassThrough {
  const body = new PassThrough();
  body.write(': open\n\n');
  const comments = setInterval(() => body.write(':\n\n'), commentMs);
  // Not by `once` of node:events, which rejects when the browser leaves.
  const closed = new Promise<void>((resolve) => body.once('close', resolve));
  body.on('error', () => {});
  const send = async (message: StreamMessage): Promise<void> => {
    if (body.write(textOf(message)) || body.destroyed) return;
    const drained = new Promise<void>((resolve) => body.once('drain', resolve));
    await Promise.race([drained, closed]);
  };
  void (async () => {
    try {
      for await (const message of messages) {
        if (body.destroyed) return;
        await send(message);
      }
    } catch (error) {
      const failed = onError(error);
      if (failed !== null && !body.destroyed) await send(failed);
    } finally {
      clearInterval(comments);
      body.end();
    }
  })();
  return body;
}

function textOf({ event, data, id }: StreamMessage): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
