import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { helpTexts, referenceFile, refreshReference } from './cli-reference.ts';

const page = readFileSync(referenceFile, 'utf8');

test('docs/cli.md shows the current help (write it with: node cli/src/cli-reference.ts)', () => {
  expect(page).toBe(refreshReference(page));
});

test('docs/cli.md has every command', () => {
  const shown = [...page.matchAll(/<!-- help: (.+?) -->/g)].map(([, name]) => name);
  expect(new Set(shown)).toEqual(new Set(helpTexts().keys()));
});

test('a removed command is noticed', () => {
  expect(() => refreshReference('<!-- help: mirror fly -->\n')).toThrow('there is no command `mirror fly`');
});
