import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { ServerStartError } from './server-process.ts';

// Below what Linux (32768), macOS and Windows (49152) give to outgoing connections. Of those a server that is down for a second loses its
// port to any client, and a client that calls it at the wrong moment is connected to itself.
const lowest = 20_000;
const highest = 32_767;
const tries = 50;
const givenOut = new Set<number>();

/** A port of 127.0.0.1 that is free now, and no other call has given out: `preferred` when it is, else any. */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return preferred;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const port = randomInt(lowest, highest + 1);
    if (givenOut.has(port)) continue;
    givenOut.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port was found on 127.0.0.1 between ${lowest} and ${highest}.`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** Whether something accepts connections there. */
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
 * A free port is free only until somebody takes it: `start` chooses its ports and is called again, told to choose others, when the
 * server found one taken.
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
