// `npm run check`: everything that can be checked without running the product. Each check is a command that can be run alone.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { styleText } from 'node:util';

interface Check {
  readonly name: string;
  readonly run: () => Promise<Outcome>;
}

interface Outcome {
  readonly ok: boolean;
  readonly output: string;
  /** Printed also when the check passes. */
  readonly note?: string;
}

const root = dirname(import.meta.dirname);
const bin = (name: string) => join(root, 'node_modules', '.bin', name);

const checks: readonly Check[] = [
  { name: 'format', run: () => command(bin('oxfmt'), ['--check', '.']) },
  { name: 'lint', run: () => command(bin('oxlint'), ['--type-aware', '--deny-warnings']) },
  { name: 'types', run: () => command(bin('tsc'), ['--pretty', 'false']) },
  { name: 'types of the page', run: () => command(bin('tsc'), ['--pretty', 'false', '-p', 'services/console/page']) },
  { name: 'dead code', run: () => command(bin('knip'), ['--no-progress']) },
  { name: 'schema compatibility', run: () => command(process.execPath, ['schemas/src/check.ts']) },
  {
    name: 'docs/configuration.md',
    run: () => command(process.execPath, ['cli/src/main.ts', 'config', 'docs', '--check', 'docs/configuration.md']),
  },
  { name: 'generated files of the Helm chart', run: () => command(process.execPath, ['deploy/helm/generate.ts', '--check']) },
  { name: 'docs/performance.md', run: performancePageIsOfItsResults },
  { name: 'lockfile names no registry', run: lockfileNamesNoRegistry },
];

let failed = 0;
for (const check of checks) {
  const started = performance.now();
  const { ok, output, note } = await check.run();
  const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  console.log(
    `${ok ? styleText('green', '✓') : styleText('red', '✗')} ${check.name} ${styleText('dim', seconds)}${note === undefined ? '' : ` (${note})`}`,
  );
  if (!ok) {
    failed += 1;
    console.log(output.trim());
  }
}
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function command(file: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', (error) => resolve({ ok: false, output: error.message }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

/** Figures are never edited by hand. Without results there must be no page either. */
function performancePageIsOfItsResults(): Promise<Outcome> {
  const results = 'docs/performance/results.json';
  const isThere = [results, 'docs/performance.md'].some((file) => existsSync(join(root, file)));
  if (!isThere) return Promise.resolve({ ok: true, output: '', note: `nothing to check: there is no ${results} yet` });
  return command(process.execPath, ['bench/main.ts', '--report', results, '--check']);
}

/** A lockfile that carries download addresses works only where it was written. */
function lockfileNamesNoRegistry(): Promise<Outcome> {
  const lines = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8').split('\n');
  const found = lines.flatMap((line, index) => (/https?:\/\//.test(line) ? [`pnpm-lock.yaml:${index + 1}: ${line.trim()}`] : []));
  return Promise.resolve({ ok: found.length === 0, output: found.join('\n') });
}
