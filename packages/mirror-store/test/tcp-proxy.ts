import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Forwards bytes to `target` until cut, which drops every connection and refuses new ones. */
export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<{
  readonly port: number;
  cut(): void;
  restore(): void;
  /** Keeps connections open but forwards nothing any more. */
  hang(): void;
  stop(): Promise<void>;
}> {
  const sockets = new Set<Socket>();
  let state: 'passing' | 'cut' | 'hanging' = 'passing';
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    client.on('close', () => sockets.delete(client));
    if (state === 'cut') {
      client.destroy();
      return;
    }
    const upstream = connect(target);
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => {
      sockets.delete(upstream);
      client.destroy();
    });
    client.on('close', () => upstream.destroy());
    client.on('data', (bytes) => state === 'passing' && upstream.write(bytes));
    upstream.on('data', (bytes) => state === 'passing' && client.write(bytes));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = 'cut';
      drop();
    },
    hang() {
      state = 'hanging';
    },
    restore() {
      state = 'passing';
      // Connections that hung have lost bytes.
      drop();
    },
    async stop() {
      drop();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
