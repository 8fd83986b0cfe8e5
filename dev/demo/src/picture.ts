// `npm run picture`: runs the demo once and draws the beginning and the end of its story as docs/images/npm-start.svg, for README.md.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { terminalPicture } from './terminal-picture.ts';

/** Where the picture begins; what comes before is the start of the servers. */
const heading = 'They work in Notion';
const shownFirst = 26;
/** The verdict, after an empty line. */
const shownLast = 5;

const { status, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), '--once'], {
  encoding: 'utf8',
  env: { ...process.env, FORCE_COLOR: '1' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
if (status !== 0) throw new Error(`the demo ended with exit code ${status}:\n${stdout}`);
const lines = stdout.trimEnd().split('\n');
const from = lines.findIndex((line) => line.includes(heading));
if (from < 0) throw new Error(`the demo did not print "${heading}"`);
const more = lines.length - from - shownFirst - shownLast;
const shown = [
  '\u001b[1m$ npm start\u001b[22m',
  '',
  ...lines.slice(from, from + shownFirst),
  `  \u001b[2m⋮ ${more} more lines\u001b[22m`,
  ...lines.slice(-shownLast),
];
const file = join(import.meta.dirname, '../../../docs/images/npm-start.svg');
writeFileSync(file, terminalPicture(shown, 'What npm start shows: each change in Notion, its event, its fetch and the document'));
