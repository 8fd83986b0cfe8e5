import { createServer, ServerResponse, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpServer {
  readonly port: number;
  /** Takes no more connections, lets requests in flight finish for at most `finishMs`, then cuts what is left. */
  stop(): Promise<void>;
}

export interface HttpServerOptions {
  readonly handler: RequestListener;
  readonly host: string;
  readonly port: number;
  readonly finishMs: number;
  /** Until the head of a request has arrived. */
  readonly headersTimeoutMs?: number;
  /** Until all of a request has arrived. */
  readonly requestTimeoutMs?: number;
}

/**
 * The public server. Its limits are against senders that are slow on purpose. Idle connections live longer here than at the usual proxies
 * (60 s), else a proxy would send a request into a connection that we have just closed.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  /**
   * Says, while the server stops, that its connection ends with it. It looks for itself when it is written: a set of those that are not yet written
   * would make the garbage collector keep each of them until a full collection (docs/decisions/0011).
   */
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
