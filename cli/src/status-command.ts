import { setTimeout as delay } from 'node:timers/promises';
import type { Command as Program } from 'commander';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { exitCode, type ExitCode } from './exit-code.ts';
import { kafkaOf, useMongo } from '@notion-mirror/operations/servers';
import { gatherStatus } from '@notion-mirror/operations/status/mirror-status';
import { statusJson } from '@notion-mirror/operations/status/status-json';
import { renderStatus } from './status-view.ts';

export function addStatusCommand(program: Program, act: Act): void {
  program
    .command('status')
    .description('shows the state of the mirror: tenants, lag, waiting work, dead letters, rows')
    .option('--watch', 'refresh every two seconds, until Ctrl-C')
    .action(async ({ watch }: { watch?: boolean }) => {
      await act(async (context) => status(configured(context), watch === true));
    });
}

const everyMs = 2_000;
/** Cursor to the upper left corner, and clear the screen. */
const clearScreen = '\u001B[H\u001B[2J';

async function status(context: ConfiguredContext, watches: boolean): Promise<ExitCode> {
  const { output, signal, stdout } = context;
  const kafka = kafkaOf(context);
  return useMongo(context, async ({ db }) => {
    for (;;) {
      const found = await gatherStatus(context, db, kafka);
      if (watches && stdout.isTTY === true && !output.isJson) stdout.write(clearScreen);
      output.result(true, statusJson(found), (colors) => renderStatus(found, colors));
      if (!watches) return exitCode.ok;
      await delay(everyMs, undefined, { signal });
    }
  });
}
