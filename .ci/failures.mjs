// Prints what failed in a JSON report of vitest, one failure with the beginning of its reason: `node .ci/failures.mjs REPORT STEP`.
import { readFileSync } from 'node:fs';

const reasonLength = 600;
const [report, step] = process.argv.slice(2);
for (const file of JSON.parse(readFileSync(report, 'utf8')).testResults) {
  const name = file.name.replace(`${process.cwd()}/`, '');
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  for (const test of failed) {
    console.log(
      `${step}: ${name}: ${test.fullName}\n    ${test.failureMessages.join('\n').slice(0, reasonLength).replaceAll('\n', '\n    ')}`,
    );
  }
  if (file.status === 'failed' && failed.length === 0) console.log(`${step}: ${name}\n    ${file.message.slice(0, reasonLength)}`);
}
