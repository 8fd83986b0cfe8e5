import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';

/** The emulated Nango is given a URL before there is a Service: connections to `port` go to wherever the Service is then. */
export async function startServiceProxy(
  port: number,
  target: () => { readonly host: string; readonly port: number } | null,
): Promise<Server> {
  const server = createServer((from) => {
    const address = target();
    if (address === null) {
      from.destroy();
      return;
    }
    const to = connect(address);
    from.on('error', () => to.destroy());
    to.on('error', () => from.resetAndDestroy());
    from.pipe(to).pipe(from);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
