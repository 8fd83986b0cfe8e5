// `npm run audit`: asks the package registry for known vulnerabilities in what we ship. Fails on a high or critical one, unless
// dev/audit-exceptions.json says why it does not concern us, and until when. Some registries (mirrors, proxies) do not support audits:
// then it prints that nothing was checked, and passes.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { styleText } from 'node:util';

interface Advisory {
  readonly module_name: string;
  readonly severity: string;
  readonly title: string;
  readonly url: string;
  readonly github_advisory_id: string;
  readonly patched_versions: string | null;
  readonly findings: readonly { readonly version: string; readonly paths: readonly string[] }[];
}

interface Exception {
  /** GitHub's id, `GHSA-…`. */
  readonly advisory: string;
  readonly reason: string;
  /** The day from which it counts again, `2026-12-31`. */
  readonly until: string;
}

const root = dirname(import.meta.dirname);
const exceptionsFile = process.env['AUDIT_EXCEPTIONS'] ?? join(root, 'dev', 'audit-exceptions.json');

/** What the image holds; the other workspaces are tools and tests. As pnpm writes their folders at the beginning of a path. */
const shipped = /^(services__|packages__|schemas|cli)/;
const grave = new Set(['high', 'critical']);

const exceptions = JSON.parse(readFileSync(exceptionsFile, 'utf8')) as Exception[];
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { packageManager: string };
const answer = await run('npx', ['--yes', packageManager, 'audit', '--prod', '--json']);
const everything = answer.stdout + answer.stderr;
const advisories = advisoriesIn(answer.stdout);
if (advisories === null && /ERR_PNPM_AUDIT_|Failed to query the audit endpoint/.test(everything)) {
  console.log('The registry does not support audits: the dependencies are not audited here.');
  console.log('0 passed, 0 failed');
} else if (advisories === null) {
  console.log(`The audit did not run:\n${everything.trim().slice(-2_000)}`);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
} else {
  const today = new Date().toISOString().slice(0, 10);
  const failures = advisories.filter((advisory) => report(advisory, today) === 'failure');
  console.log(failures.length === 0 ? '1 passed, 0 failed' : `0 passed, ${failures.length} failed`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

function report(advisory: Advisory, today: string): 'failure' | 'remark' {
  const { module_name, severity, title, url, github_advisory_id: id, patched_versions, findings } = advisory;
  const exception = exceptions.find((one) => one.advisory === id);
  const isShipped = findings.some(({ paths }) => paths.some((path) => shipped.test(path)));
  const isExcused = exception !== undefined && today < exception.until;
  const fails = isShipped && grave.has(severity) && !isExcused;
  const versions = [...new Set(findings.map(({ version }) => version))].join(', ');
  console.log(
    `${fails ? styleText('red', '✗') : styleText('yellow', '!')} ${module_name} ${versions}: ${severity}: ${title} (${id}, ${url})`,
  );
  console.log(`    ${isShipped ? 'shipped' : 'not shipped'}; fixed in ${patched_versions ?? 'no version yet'}`);
  if (exception !== undefined)
    console.log(
      `    ${isExcused ? `left alone until ${exception.until}` : `was left alone until ${exception.until}`}: ${exception.reason}`,
    );
  return fails ? 'failure' : 'remark';
}

/** Null when the text is not a report. */
function advisoriesIn(text: string): readonly Advisory[] | null {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || !('advisories' in parsed)) return null;
    return Object.values(parsed.advisories as Record<string, Advisory>);
  } catch {
    return null;
  }
}

function run(command: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', (error) => resolve({ stdout, stderr: error.message }));
    child.on('close', () => resolve({ stdout, stderr }));
  });
}
