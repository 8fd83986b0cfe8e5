import { join } from 'node:path';
import { runCommand } from '@notion-mirror/local-stack/command';
import { freePort } from '@notion-mirror/local-stack/ports';
import type { ServiceProcess } from './service-process.ts';

const build = join(import.meta.dirname, '../../../services/console/page/build.ts');
/** The console's own. */
const preferredPort = 3_200;

/** Builds the page, unless it is built, and starts the console. Rejects when either fails. */
export async function startConsole(
  start: (env: Readonly<Record<string, string>>) => Promise<ServiceProcess>,
  signal: AbortSignal,
): Promise<{ readonly service: ServiceProcess; readonly url: string }> {
  await runCommand(process.execPath, [build], { signal });
  const port = String(await freePort(preferredPort));
  const service = await start({ MIRROR_CONSOLE_PORT: port, MIRROR_CONSOLE_HOST: '127.0.0.1' });
  return { service, url: `http://127.0.0.1:${port}` };
}
