import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  /** Header names as spelled. */
  readonly headerNames: readonly string[];
  readonly body: string;
}

/** A webhook endpoint that records requests. */
export interface Receiver {
  readonly url: string;
  readonly received: Received[];
  /** Resolves once `count` requests have arrived in total. */
  waitFor(count: number): Promise<readonly Received[]>;
  /** Sets the responses to the next requests, in order; then 200. `reset` breaks the connection, `hang` does not answer. */
  answerWith(...answers: readonly (number | 'reset' | 'hang')[]): void;
  stop(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const answers: (number | 'reset' | 'hang')[] = [];
  let onReceived: (() => void) | null = null;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const headerNames = request.rawHeaders.filter((_, index) => index % 2 === 0);
      received.push({ headers: request.headers, headerNames, body: Buffer.concat(chunks).toString('utf8') });
      const answer = answers.shift() ?? 200;
      if (answer === 'reset') request.socket.resetAndDestroy();
      else if (answer !== 'hang') response.writeHead(answer, { 'content-type': 'application/json' }).end('{}');
      onReceived?.();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    waitFor: async (count) => {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          onReceived = resolve;
        });
      }
      return received;
    },
    answerWith: (...next) => {
      answers.push(...next);
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
