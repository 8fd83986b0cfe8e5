import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { ServerStartError } from './server-process.ts';

// Below the ephemeral ports of Linux (32768), macOS and Windows (49152). A server on one of those loses its port to any client while it is
// down for a second, and a client that calls it at the wrong moment connects to itself.
const lowest = 20_000;
const highest = 32_767;
const tries = 50;
const givenOut = new Set<number>();

/** A free port of 127.0.0.1 that no other call has returned: `preferred` if possible, otherwise any. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await canListen('127.0.0.1', preferred))) return preferred;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const port = randomInt(lowest, highest + 1);
    if (givenOut.has(port)) continue;
    givenOut.add(port);
    if (await canListen('127.0.0.1', port)) return port;
  }
  throw new Error(`No free port was found on 127.0.0.1 between ${lowest} and ${highest}.`);
}

/** Whether a server could listen there: the address is one of this machine, and the port (0: any) is free. */
export async function canListen(host: string, port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** Whether the address accepts connections. */
export async function acceptsConnections(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

const attempts = 4;

/**
 * A free port may be taken before the server binds it: `start` chooses its ports, and is called again to choose others if the server
 * found one taken.
 */
export async function retryTakenPort<T>(start: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await start(attempt);
    } catch (error) {
      if (attempt + 1 >= attempts || !(error instanceof ServerStartError && error.portTaken)) throw error;
    }
  }
}
