import { expect, test } from 'vitest';
import { readMessages, type Message } from './messages.ts';

/** The text in pieces of `size` bytes, as a network may cut it. */
function cut(text: string, size: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let from = 0; from < bytes.length; from += size) controller.enqueue(bytes.slice(from, from + size));
      controller.close();
    },
  });
}

test.each([1, 3, 1_000])('messages are whole in whatever pieces they come: %s bytes', async (size) => {
  const text = ': open\n\nid: 1\nevent: checks\ndata: {"a": "ü🚀"}\n\n:\n\ndata: x\ndata: y\n\nevent: done\ndata: cut off';
  const messages: Message[] = [];
  for await (const message of readMessages(cut(text, size))) messages.push(message);
  expect(messages).toEqual([
    { event: 'checks', data: '{"a": "ü🚀"}' },
    { event: 'message', data: 'x\ny' },
  ]);
});
