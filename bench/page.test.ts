import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { outdatedFiles, renderPage, writePage, type DescribedScenario } from './page.ts';
import type { StoredResult } from './results.ts';
import { summaryOf } from './statistics.ts';

const scenario = {
  name: 'webhooks',
  title: 'Webhooks | accepted',
  figures: [
    { name: 'accepted', unit: '/s' },
    { name: 'CPU of the load', unit: 'µs' },
  ],
  targets: [
    { figure: 'accepted', of: 'ours', against: 'koa', bound: 'at least', value: 0.9 },
    { figure: 'CPU of the load', of: 'ours', against: null, bound: 'at most', value: 10 },
  ],
  plots: [{ kind: 'bars', figure: 'accepted' }],
} as const satisfies DescribedScenario;

const blank = '# By hand\n\n<!-- bench: targets -->\n<!-- /bench -->\n\nWhy.\n\n<!-- bench: webhooks -->\nold\n<!-- /bench -->\n\nAfter.\n';

function resultOf(accepted: readonly number[], cpu: readonly number[] = [5, 5, 5]): StoredResult {
  return {
    name: 'webhooks',
    title: 'its title then',
    contenders: [
      { name: 'ours', at: 10, figures: { accepted: summaryOf(accepted), 'CPU of the load': summaryOf(cpu) } },
      { name: 'koa', at: 100, figures: { accepted: summaryOf([1_000, 2_000, 1_000]) } },
    ],
    targets: [],
    machine: { cpu: 'EPYC', cores: 2, memoryGigabytes: 23, system: 'Linux 6', node: 'v24' },
    at: '2026-01-02T03:04:05.000Z',
    rounds: 3,
    quick: false,
    commit: 'abc1234',
  };
}

function markdownOf(results: readonly StoredResult[], page = blank): string {
  return renderPage(page, results, [scenario]).get('performance.md') ?? '';
}

const targetRows = (markdown: string) => markdown.split('\n').filter((line) => line.startsWith('| webhooks'));
const verdicts = (markdown: string) => targetRows(markdown).map((line) => line.split(' | ').slice(2).join(' | '));

test('targets reached and missed, by ratios within one round', () => {
  expect(targetRows(markdownOf([resultOf([950, 1_900, 800])]))).toEqual([
    '| webhooks | accepted: ours against koa | 0.95 [0.8–0.95] × | at least 0.9 × | ✓ reached |',
    '| webhooks | CPU of the load: ours | 5 µs | at most 10 µs | ✓ reached |',
  ]);
  const missed = markdownOf([resultOf([500, 1_000, 500], [20, 20, 20])]);
  expect(verdicts(missed)).toEqual(['0.5 × | at least 0.9 × | ✗ **missed** |', '20 µs | at most 10 µs | ✗ **missed** |']);
  expect(missed).toContain('0 of 2 are reached; 2 missed.');
});

test('a figure without a number, not run, or only of a quick run is not measured: neither reached nor missed', () => {
  const unmeasured = markdownOf([resultOf([950, 1_900, 900], [Number.NaN, Number.NaN, Number.NaN])]);
  expect(verdicts(unmeasured)[1]).toBe('– | at most 10 µs | … not measured |');
  expect(verdicts(markdownOf([]))).toEqual(['– | at least 0.9 × | … not measured |', '– | at most 10 µs | … not measured |']);
  const quick = markdownOf([{ ...resultOf([950, 1_900, 900]), quick: true }]);
  expect(verdicts(quick)[1]).toBe('5 µs (quick run) | at most 10 µs | … not measured |');
  expect(quick).toContain('**A quick run: it shows only that the scenario works.**');
  expect(markdownOf([])).toContain('<!-- bench: webhooks -->\n\nNot measured yet.\n\n<!-- /bench -->');
});

test('a block gets its figures, command, day, commit, machine and picture; the text around it stays, and filling it again changes nothing', () => {
  const filled = markdownOf([resultOf([950, 1_900, 900])]);
  expect(filled).toContain('| ours | 950 [900–1,900] | 5 |\n| koa | 1,000 [1,000–2,000] |  |');
  expect(filled).toContain('`npm run bench -- --only webhooks --rounds 3` · 2026-01-02 · commit abc1234\n');
  expect(filled).toContain('](performance/webhooks-accepted.svg)\n\n<!-- /bench -->\n\nAfter.\n');
  expect(filled).not.toContain('old');
  expect(filled.startsWith('# By hand\n\n<!-- bench: targets -->\n\n2 of 2 are reached. EPYC, 2 cores, 23 GB, Linux 6, Node v24.\n')).toBe(
    true,
  );
  expect(markdownOf([resultOf([950, 1_900, 900])], filled)).toBe(filled);
});

test('plots are those that the scenario lists', () => {
  const plots = [
    { kind: 'curve', figure: 'accepted', axis: 'tenants' },
    { kind: 'bars', figure: 'CPU of the load' },
  ] as const;
  const page = renderPage(blank, [resultOf([950, 1_900, 900])], [{ ...scenario, plots }]);
  expect([...page.keys()]).toEqual(['performance.md', 'performance/webhooks-accepted.svg', 'performance/webhooks-cpu-of-the-load.svg']);
  expect(page.get('performance/webhooks-accepted.svg')).toContain('tenants');
  expect(page.get('performance/webhooks-cpu-of-the-load.svg')).toContain('CPU of the load, µs');
});

test('a result, a block or a scenario without its counterpart is an error', () => {
  expect(() => markdownOf([{ ...resultOf([1]), name: 'gone' }])).toThrow(/results.*gone/);
  expect(() => markdownOf([], blank.replace('bench: webhooks', 'bench: webhoks'))).toThrow(/blocks.*webhoks/);
  expect(() => markdownOf([], '# Nothing\n')).toThrow(/no block for targets, webhooks/);
});

test('an edit by hand, a missing picture and a picture too many are found, and repaired', () => {
  const docs = mkdtempSync(join(tmpdir(), 'bench-page-'));
  try {
    writeFileSync(join(docs, 'performance.md'), blank);
    const page = renderPage(blank, [resultOf([950, 1_900, 900])], [scenario]);
    expect(outdatedFiles(docs, page)).toEqual(['performance.md', 'performance/webhooks-accepted.svg']);
    writePage(docs, page);
    expect(outdatedFiles(docs, page)).toEqual([]);
    writeFileSync(join(docs, 'performance.md'), readFileSync(join(docs, 'performance.md'), 'utf8').replace('0.95', '1.95'));
    writeFileSync(join(docs, 'performance/old.svg'), '');
    writeFileSync(join(docs, 'performance/results.json'), '');
    expect(outdatedFiles(docs, page)).toEqual(['performance.md', 'performance/old.svg']);
    writePage(docs, page);
    expect(outdatedFiles(docs, page)).toEqual([]);
    expect(readdirSync(join(docs, 'performance')).toSorted()).toEqual(['results.json', 'webhooks-accepted.svg']);
  } finally {
    rmSync(docs, { recursive: true });
  }
});
