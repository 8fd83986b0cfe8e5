import type { Command as Program } from 'commander';
import { initServers, type InitStep } from '@notion-mirror/operations/init/init-servers';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import type { Colors } from './output.ts';

export function addInitCommand(program: Program, act: Act): void {
  program
    .command('init')
    .description('creates the topics, schemas, collections, indexes and views that the services need; safe to run again')
    .option('--wait <seconds>', 'how long to wait for Kafka, the schema registry and MongoDB to come up', '60')
    .action(async ({ wait }: { wait: string }) => {
      await act(async (context) => {
        const waitMs = Number(wait) * 1000;
        if (wait.trim() === '' || !Number.isFinite(waitMs) || waitMs < 0) throw usageError(`--wait takes seconds, not "${wait}"`);
        return init(configured(context), waitMs);
      });
    });
}

async function init(context: ConfiguredContext, waitMs: number): Promise<ExitCode> {
  const { output } = context;
  const results = await initServers(context, waitMs);
  const steps = results.flatMap(({ step }) => step ?? []);
  const failures = results.flatMap(({ failure }) => failure ?? []);
  const json = Object.fromEntries(results.map(({ key, step, failure }) => [key, step?.json ?? { error: failure?.text ?? null }]));
  output.result(failures.length === 0, json, (colors) => renderSteps(steps, colors));
  for (const { text, remedy } of failures) output.failure(text, remedy);
  return failures.length === 0 ? exitCode.ok : exitCode.failed;
}

export function renderSteps(steps: readonly InitStep[], colors: Colors): string {
  const lines = steps.flatMap(({ server, made, present, differences }) => [
    colors.bold(server),
    ...made.map((text) => `  ${colors.green('made')}     ${text}`),
    ...present.map((text) => `  ${colors.dim('present')}  ${text}`),
    ...differences.map((text) => `  ${colors.yellow('differs')}  ${text}; left as it is`),
  ]);
  return lines.join('\n');
}
