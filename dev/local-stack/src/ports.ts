import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { ServerStartError } from './server-process.ts';

/** A port of 127.0.0.1 that is free now: `preferred` when it is, else any. */
export async function freePort(preferred?: number): Promise<number> {
  for (const wanted of preferred === undefined ? [0] : [preferred, 0]) {
    const server = createServer();
    server.listen(wanted, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    const address = server.address();
    server.close();
    await once(server, 'close');
    if (address !== null && typeof address === 'object') return address.port;
  }
  throw new Error('This machine has no free port on 127.0.0.1.');
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
