import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';

/**
 * - `open`: everything goes through.
 * - `closed`: no connection.
 * - `frozen`: connections stand, nothing goes through either way.
 * - `mute`: the broker hears us, and we do not hear it.
 */
export type ProxyMode = 'open' | 'closed' | 'frozen' | 'mute';

/** A Kafka client whose way to its one broker can be disturbed. */
export async function kafkaBehindProxy(broker: string): Promise<{
  readonly kafka: Kafka;
  readonly set: (mode: ProxyMode) => void;
  readonly connections: () => number;
  readonly close: () => void;
}> {
  const [host, port] = broker.split(':');
  let mode: ProxyMode = 'open';
  const links = new Set<{ client: Socket; upstream: Socket }>();

  const server = createServer((client) => {
    if (mode === 'closed') {
      client.destroy();
      return;
    }
    const link = { client, upstream: connect(Number(port), host) };
    links.add(link);
    const drop = () => {
      links.delete(link);
      client.destroy();
      link.upstream.destroy();
    };
    for (const socket of [client, link.upstream]) socket.on('error', drop).on('close', drop);
    client.on('data', (bytes) => {
      if (mode === 'open' || mode === 'mute') link.upstream.write(bytes);
    });
    link.upstream.on('data', (bytes) => {
      if (mode === 'open') client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: proxyPort } = server.address() as AddressInfo;

  const cut = () => {
    for (const { client, upstream } of links) {
      client.destroy();
      upstream.destroy();
    }
  };
  return {
    kafka: new Kafka({
      brokers: [broker],
      clientId: 'test',
      logLevel: logLevel.NOTHING,
      requestTimeout: 300,
      connectionTimeout: 1_000,
      retry: { initialRetryTime: 50, maxRetryTime: 200, retries: 2 },
      // Whatever address the broker gives of itself.
      socketFactory: ({ onConnect }) => connect(proxyPort, '127.0.0.1', onConnect),
    }),
    set(next) {
      // Bytes that were swallowed are gone: a connection that lost some cannot go on.
      if (next === 'closed' || (next === 'open' && mode !== 'open')) cut();
      mode = next;
    },
    connections: () => links.size,
    close() {
      cut();
      server.close();
    },
  };
}
