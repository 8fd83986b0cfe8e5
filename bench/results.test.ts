import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { machineText, thisMachine } from './machine.ts';
import { commitOf, readResults, withResult, writeResults, type StoredResult } from './results.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-results-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const summary = { median: 2, min: 1, max: 3, values: [1, 2, 3] };
function resultOf(name: string, rounds = 3): StoredResult {
  return {
    name,
    title: name,
    contenders: [{ name: 'ours', at: 10, figures: { p50: summary } }],
    targets: [{ figure: 'p50', of: 'ours', against: null, bound: 'at most', value: 5, measured: summary, reached: true }],
    machine: thisMachine('a machine'),
    at: '2026-01-02T03:04:05.000Z',
    rounds,
    quick: false,
    commit: 'abc1234',
  };
}

test('a scenario measured again replaces its result; the others keep their order', () => {
  const kept = [resultOf('a'), resultOf('b'), resultOf('c')];
  const again = withResult(kept, resultOf('b', 5));
  expect(again.map(({ name, rounds }) => [name, rounds])).toEqual([
    ['a', 3],
    ['b', 5],
    ['c', 3],
  ]);
  expect(withResult(again, resultOf('d')).map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
});

test('results are read as they were written, also those that are not numbers', () => {
  const file = join(folder, 'results.json');
  const unmeasured = { median: Number.NaN, min: Number.POSITIVE_INFINITY, max: Number.NaN, values: [Number.NaN, 2] };
  const result = { ...resultOf('a'), contenders: [{ name: 'ours', figures: { p50: unmeasured } }] };
  writeResults(file, [result, resultOf('b')]);
  const nowhere = { median: Number.NaN, min: Number.NaN, max: Number.NaN, values: [Number.NaN, 2] };
  expect(readResults(file)).toEqual([{ ...result, contenders: [{ name: 'ours', figures: { p50: nowhere } }] }, resultOf('b')]);
  expect(readdirSync(folder)).toEqual(['results.json']);
  const text = readFileSync(file, 'utf8');
  writeResults(file, readResults(file));
  expect(readFileSync(file, 'utf8')).toBe(text);
});

test('a file with other content is an error that names the file and the fault', () => {
  const file = join(folder, 'results.json');
  writeFileSync(file, JSON.stringify({ results: [{ ...resultOf('a'), rounds: 'many' }] }));
  expect(() => readResults(file)).toThrow(/results\.json does not hold results.*rounds/s);
  writeFileSync(file, '{"results": [');
  expect(() => readResults(file)).toThrow(/results\.json does not hold results/);
});

test('the commit is marked when code differs from it, not when results or pages do', () => {
  const git = (...args: string[]) => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: folder });
  expect(commitOf(folder)).toBe('unknown');
  git('init', '-q');
  writeFileSync(join(folder, 'code.ts'), '1');
  git('add', '.');
  git('commit', '-qm', 'one');
  const clean = commitOf(folder);
  expect(clean).toMatch(/^[0-9a-f]{4,}$/);
  writeFileSync(join(folder, 'note.md'), '');
  expect(commitOf(folder)).toBe(clean);
  writeFileSync(join(folder, 'code.ts'), '2');
  expect(commitOf(folder)).toBe(`${clean}+changes`);
});

test('a machine is described by what figures depend on', () => {
  const machine = { cpu: 'EPYC', cores: 2, memoryGigabytes: 23, system: 'Linux 6', node: 'v24' };
  expect([machineText(machine), machineText({ ...machine, name: 'ci' })]).toEqual([
    'EPYC, 2 cores, 23 GB, Linux 6, Node v24',
    'ci, EPYC, 2 cores, 23 GB, Linux 6, Node v24',
  ]);
});
