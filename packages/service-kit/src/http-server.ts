import { createServer, ServerResponse, type RequestListener } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface HttpServer {
  readonly port: number;
  /**
   * Answers those that are connected for another second at most, and ends each connection with its next answer. Then accepts no more connections, lets
   * requests in flight finish for at most `finishMs`, and closes the remaining ones.
   */
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
 * A connection that is kept alive and closed at once may have the sender's next request in it: the sender sees a reset. One that is in use ends with an
 * answer instead, within this time.
 */
const lingerMs = 1_000;

/**
 * A server for a public port. Its timeouts guard against deliberately slow senders. Idle connections live longer here than in the usual proxies
 * (60 s); otherwise a proxy could send a request on a connection that we have just closed.
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  /** While the server stops, an answer also ends its connection: a proxy must not send the next request into a socket that is about to close. */
  class Response extends ServerResponse {
    override writeHead(status: number, ...rest: unknown[]): this {
      if (isStopping) this.setHeader('connection', 'close');
      return super.writeHead(status, ...(rest as []));
    }
  }
  let isStopping = false;
  const connections = new Set<Socket>();
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
  server.on('connection', (connection: Socket) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      isStopping = true;
      await lingering();
      await new Promise<void>((resolve) => {
        const sweep = setInterval(() => server.closeIdleConnections(), 50);
        const cut = setTimeout(() => server.closeAllConnections(), options.finishMs);
        server.close(() => {
          clearInterval(sweep);
          clearTimeout(cut);
          resolve();
        });
      });
    },
  };

  /** Until no connection is left, at most `lingerMs`. */
  async function lingering(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = setTimeout(resolve, Math.min(lingerMs, options.finishMs));
    const check = () => {
      if (connections.size === 0) resolve();
    };
    for (const connection of connections) connection.once('close', check);
    check();
    await promise;
    clearTimeout(end);
  }
}
