import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Koa from 'koa';

export interface Listening {
  /** Without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Closes the port and every connection at once. */
  close(): Promise<void>;
}

/** Koa's handler for `node:http`. Its promise never rejects: Koa answers a failed middleware itself. */
export function serve(app: Koa): (request: IncomingMessage, response: ServerResponse) => void {
  const handle = app.callback();
  return (request, response) => void handle(request, response);
}

/** Starts an HTTP server; port 0 takes a free one. Rejects when the port is taken. */
export function listen(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  { port, host }: { port: number; host: string },
): Promise<Listening> {
  // Clients keep connections open between tests; a short idle timeout here would give them ECONNRESET.
  const server = createServer({ keepAliveTimeout: 60_000 }, handler);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve({
        url: `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host}:${bound}`,
        port: bound,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed());
            server.closeAllConnections();
          }),
      });
    });
  });
}
