import { once } from 'node:events';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';

// `patches/mongodb@7.9.0.patch`. After a write under backpressure, the released 7.9.0 waits for the socket's `drain` or `error`. A socket
// that has just been destroyed emits only `close`, so a command that began at that moment never ended, and the events of one database
// waited forever (found by the fault suite, while connections to MongoDB were reset).

interface Connection {
  command(ns: { db: string }, command: object, options: object): Promise<unknown>;
}
const require = createRequire(import.meta.url);
const { Connection } = require('mongodb/lib/cmap/connection.js') as { Connection: new (socket: Socket, options: object) => Connection };
const { ReadPreference } = require('mongodb') as typeof import('mongodb');

const server = createServer((socket) => socket.on('error', () => {}).resume());
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

async function newConnection(): Promise<{ socket: Socket; ping: (bytes?: number) => Promise<unknown> }> {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  await once(socket, 'connect');
  const hostAddress = { host: '127.0.0.1', port, toString: () => `127.0.0.1:${port}` };
  const connection = new Connection(socket, { id: 1, generation: 0, hostAddress, monitorCommands: false });
  const ping = (bytes = 0) =>
    connection.command({ db: 'test' }, { ping: 1, comment: 'x'.repeat(bytes) }, { readPreference: ReadPreference.primary });
  return { socket, ping };
}

it('a command on a connection whose socket has just been destroyed fails', async () => {
  const { socket, ping } = await newConnection();
  socket.destroy();
  await expect(ping()).rejects.toThrow('closed');
});

it('a command whose bytes are still in flight when the socket is destroyed fails', async () => {
  server.once('connection', (socket) => socket.pause());
  const { socket, ping } = await newConnection();
  const answer = ping(16 * 1024 * 1024);
  setImmediate(() => socket.destroy());
  await expect(answer).rejects.toThrow('closed');
});
