import { createServer, ServerResponse, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpServer {
  readonly port: number;
  /** Accepts no more connections, lets requests in flight finish for at most `finishMs`, then closes the remaining ones. */
  stop(): Promise<void>;
}

export interface HttpServerOptions {
  readonly handler: RequestListener;
  readonly host: string;
  readonly port: number;
  readonly finishMs: number;
  /** Timeout for the head of a request. */
  readonly headersTimeoutMs?: number;
  /** Timeout for the whole request. */
  readonly requestTimeoutMs?: number;
}

/**
 * A server for a public port. Its timeouts guard against deliberately slow senders. Idle connections live longer here than in the usual proxies
 * (60 s); otherwise a proxy could send a request on a connection that we have just closed.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  /** While the server stops, an answer also ends its connection: a proxy must not send the next request into a socket that is about to close. */
  class Response extends ServerResponse {
    override writeHead(status: number, ...rest: unknown[]): this {
      if (!server.listening) this.setHeader('connection', 'close');
      return super.writeHead(status, ...(rest as []));
    }
  }
  const server = createServer(
    {
      ServerResponse: Response,
      headersTimeout: options.headersTimeoutMs ?? 10_000,
      requestTimeout: options.requestTimeoutMs ?? 15_000,
      connectionsCheckingInterval: Math.min(1_000, options.headersTimeoutMs ?? 1_000),
      keepAliveTimeout: 75_000,
      maxHeaderSize: 16 * 1024,
    },
    options.handler,
  );
  server.maxConnections = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise<void>((resolve) => {
        const sweep = setInterval(() => server.closeIdleConnections(), 50);
        const cut = setTimeout(() => server.closeAllConnections(), options.finishMs);
        server.close(() => {
          clearInterval(sweep);
          clearTimeout(cut);
          resolve();
        });
      }),
  };
}
