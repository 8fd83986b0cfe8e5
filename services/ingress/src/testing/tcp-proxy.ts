import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A proxy whose connections a test can cut. For tests. */
export interface TcpProxy {
  readonly port: number;
  /** Breaks every connection, including new ones. */
  cut(): void;
  /** Keeps connections open, including new ones, but forwards nothing. */
  hang(): void;
  restore(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  let state: 'whole' | 'cut' | 'hanging' = 'whole';
  const pairs = new Set<readonly [Socket, Socket]>();

  const server = createServer((near) => {
    if (state === 'cut') {
      near.resetAndDestroy();
      return;
    }
    const far = connect(target.port, target.host);
    const pair = [near, far] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [far, near] as const]) {
      from.on('data', (chunk: Buffer) => to.write(chunk));
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (state === 'hanging') from.pause();
    }
  });
  const each = (act: (socket: Socket) => void) => {
    for (const pair of pairs) pair.forEach(act);
  };
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = 'cut';
      each((socket) => socket.resetAndDestroy());
    },
    hang() {
      state = 'hanging';
      each((socket) => socket.pause());
    },
    restore() {
      state = 'whole';
      each((socket) => socket.resume());
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        each((socket) => socket.destroy());
      }),
  };
}
