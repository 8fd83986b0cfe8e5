// Prints the failed tests of vitest's JSON report, each with the beginning of its error: `node dev/run.mjs dev/failed-tests.ts REPORT STEP`.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

const reasonLength = 600;
const [reportPath, step] = process.argv.slice(2);
if (reportPath === undefined || step === undefined) throw new Error('failed-tests.ts REPORT STEP');
const report = JSON.parse(readFileSync(reportPath, 'utf8')) as Report;
for (const { name, status, message, assertionResults } of report.testResults) {
  const file = relative(process.cwd(), name);
  const failed = assertionResults.filter((test) => test.status === 'failed');
  for (const { fullName, failureMessages } of failed) say(`${file}: ${fullName}`, failureMessages.join('\n'));
  if (status === 'failed' && failed.length === 0) say(file, message);
}

function say(what: string, why: string): void {
  const reason = why.slice(0, reasonLength).replaceAll('\n', '\n    ');
  console.log(`${step}: ${what}\n    ${reason}`);
}
