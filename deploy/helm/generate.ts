// Writes what the chart takes from the rest of the repository; `--check` fails when a file is not what it should be. Copies, not links: tools that fetch a
// chart from Git for Helm may leave links out, and a package must hold the files anyway.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { valuesSchema, variablesForTemplates } from './values-schema.ts';
import { valuesTable } from './values-table.ts';

const root = join(import.meta.dirname, '../..');
const chart = join(import.meta.dirname, 'notion-mirror');
const read = (...path: readonly string[]): string => readFileSync(join(...path), 'utf8');
const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

const tableMarks = /(?<=<!-- values -->\n)[\s\S]*(?=<!-- \/values -->)/;

const generated: Readonly<Record<string, () => string>> = {
  'values.schema.json': () => json(valuesSchema()),
  'files/variables.json': () => json(variablesForTemplates()),
  'files/alerts.yml': () => read(root, 'ops/prometheus/alerts.yml'),
  'files/dashboard.json': () => read(root, 'ops/grafana/dashboard.json'),
  'README.md': () => read(chart, 'README.md').replace(tableMarks, `\n${valuesTable(read(chart, 'values.yaml'))}\n\n`),
  'Chart.yaml': () => read(chart, 'Chart.yaml').replace(/(?<=^appVersion: ).*$/m, version()),
};

function version(): string {
  return (JSON.parse(read(root, 'package.json')) as { version: string }).version;
}

const isCheck = process.argv.includes('--check');
for (const [file, content] of Object.entries(generated)) {
  const path = join(chart, file);
  const wanted = content();
  if (isCheck && read(path) !== wanted) {
    console.error(`deploy/helm/notion-mirror/${file} is outdated: run \`npm run chart\``);
    process.exitCode = 1;
  } else if (!isCheck) {
    writeFileSync(path, wanted);
  }
}
