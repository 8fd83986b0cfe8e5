import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';

/**
 * - `open`: everything goes through.
 * - `closed`: no connection.
 * - `frozen`: connections stay open, nothing goes through either way.
 * - `mute`: the broker gets our requests, and we do not get its answers.
 * - `foreign`: every commit of offsets is answered with NOT_COORDINATOR_FOR_GROUP, as by a broker that is no longer the coordinator.
 */
export type ProxyMode = 'open' | 'closed' | 'frozen' | 'mute' | 'foreign';

/** A Kafka client whose connections to its one broker can be disturbed. */
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
    const commits = new Set<number>();
    const noteCommits = frames((frame) => {
      if (frame.readInt16BE(4) === offsetCommitKey) commits.add(frame.readInt32BE(8));
    });
    const answer = frames((frame) => {
      if (commits.delete(frame.readInt32BE(4)) && mode === 'foreign') refuseCommit(frame);
      client.write(frame);
    });
    client.on('data', (bytes) => {
      if (mode === 'frozen') return;
      noteCommits(bytes);
      link.upstream.write(bytes);
    });
    link.upstream.on('data', (bytes) => {
      if (mode === 'open' || mode === 'foreign') answer(bytes);
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
      // Whatever address the broker advertises.
      socketFactory: ({ onConnect }) => connect(proxyPort, '127.0.0.1', onConnect),
    }),
    set(next) {
      // Swallowed bytes are gone: a connection that lost some cannot continue.
      if (next === 'closed' || (next === 'open' && mode !== 'open' && mode !== 'foreign')) cut();
      mode = next;
    },
    connections: () => links.size,
    close() {
      cut();
      server.close();
    },
  };
}

/** https://kafka.apache.org/protocol: the key of OffsetCommit, and the code of NOT_COORDINATOR. */
const offsetCommitKey = 8;
const notCoordinator = 16;

/** Every frame of Kafka's protocol as a whole, its four bytes of length included. */
function frames(onFrame: (frame: Buffer) => void): (bytes: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      onFrame(Buffer.from(rest.subarray(0, end)));
      rest = rest.subarray(end);
    }
  };
}

/** OffsetCommit's answer, versions 3 to 7: length, correlation id, throttle time, then topics of a name and partitions with an error code each. */
function refuseCommit(frame: Buffer): void {
  let at = 12;
  const topics = frame.readInt32BE(at);
  at += 4;
  for (let topic = 0; topic < topics; topic += 1) {
    at += 2 + frame.readInt16BE(at);
    const partitions = frame.readInt32BE(at);
    at += 4;
    for (let partition = 0; partition < partitions; partition += 1) {
      frame.writeInt16BE(notCoordinator, at + 4);
      at += 6;
    }
  }
}
