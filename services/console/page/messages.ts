/** A message of `text/event-stream`. */
export interface Message {
  readonly event: string;
  readonly data: string;
}

/** The messages as they come. Comments and what is not ended are left out. For streams that are read once, where EventSource would hide why they fail. */
export async function* readMessages(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Message, void, undefined> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const texts = (rest + value).split('\n\n');
      rest = texts.pop() ?? '';
      for (const text of texts) {
        const message = messageOf(text);
        if (message !== null) yield message;
      }
    }
  } finally {
    // The rest is not needed after the loop is left.
    await reader.cancel().catch(() => {});
  }
}

function messageOf(text: string): Message | null {
  let event = 'message';
  const data: string[] = [];
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^(\w+): ?(.*)$/s.exec(line) ?? [];
    if (name === 'event') event = value;
    if (name === 'data') data.push(value);
  }
  return data.length === 0 ? null : { event, data: data.join('\n') };
}
