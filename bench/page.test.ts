import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { outdatedFiles, readNotes, writePage } from './page-files.ts';
import { renderPage, type DescribedScenario } from './page.ts';
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
} as const satisfies DescribedScenario;

function resultOf(accepted: readonly number[], cpu: readonly number[] = [5, 5, 5]): StoredResult {
  return {
    name: 'webhooks',
    title: 'as it was called then',
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
const noNotes = new Map<string, string>();
const targetRows = (markdown: string) =>
  markdown.split('\n').filter((line) => line.startsWith('| [webhooks]') || line.startsWith('| webhooks'));

test('targets that are reached and missed, by ratios within one round', () => {
  const { markdown } = renderPage([resultOf([950, 1_900, 800])], [scenario], noNotes);
  expect(targetRows(markdown)).toEqual([
    '| [webhooks](#scenario-webhooks) | accepted: ours against koa | 0.95 [0.8–0.95] × | at least 0.9 × | ✓ reached |',
    '| [webhooks](#scenario-webhooks) | CPU of the load: ours | 5 µs | at most 10 µs | ✓ reached |',
  ]);
  const missed = renderPage([resultOf([500, 1_000, 500], [20, 20, 20])], [scenario], noNotes).markdown;
  expect(targetRows(missed).map((line) => line.split(' | ').slice(2).join(' | '))).toEqual([
    '0.5 × | at least 0.9 × | ✗ **missed** |',
    '20 µs | at most 10 µs | ✗ **missed** |',
  ]);
  expect(missed).toContain('0 of 2 are reached; 2 missed.');
});

test('what has no number, or was not run, or only quickly, is not measured: neither reached nor missed', () => {
  const verdicts = (results: readonly StoredResult[]) =>
    targetRows(renderPage(results, [scenario], noNotes).markdown).map((line) => line.split(' | ').slice(2).join(' | '));
  expect(verdicts([resultOf([950, 1_900, 900], [Number.NaN, Number.NaN, Number.NaN])])[1]).toBe('– | at most 10 µs | … not measured |');
  expect(verdicts([])).toEqual(['– | at least 0.9 × | … not measured |', '– | at most 10 µs | … not measured |']);
  expect(verdicts([{ ...resultOf([950, 1_900, 900]), quick: true }])[1]).toBe('5 µs (quick run) | at most 10 µs | … not measured |');
  expect(renderPage([], [scenario], noNotes).markdown).toContain('Not measured yet:\n\n- Webhooks | accepted');
});

test('a section has its figures, plot, note, command, day, commit and machine', () => {
  const notes = new Map([
    ['webhooks', 'Why it is so.\n'],
    ['method', '## How\n'],
    ['profile', '## Profiles\n'],
  ]);
  const { markdown, pictures } = renderPage([resultOf([950, 1_900, 900])], [scenario], notes);
  expect(markdown).toContain('| ours | 950 [900–1,900] | 5 |\n| koa | 1,000 [1,000–2,000] |  |');
  expect(markdown).toContain(
    '`npm run bench -- --only webhooks --rounds 3` · 2026-01-02 · commit abc1234 · EPYC, 2 cores, 23 GB, Linux 6, Node v24',
  );
  expect(markdown).toContain('](performance/webhooks-accepted.svg)\n\nWhy it is so.\n\n## Profiles\n');
  expect(markdown.indexOf('## How')).toBeLessThan(markdown.indexOf('## Scenarios'));
  expect([...pictures.keys()]).toEqual(['webhooks-accepted.svg']);
});

test('plots are those that the scenario wants', () => {
  const plots = [
    { kind: 'curve', figure: 'accepted', axis: 'tenants' },
    { kind: 'bars', figure: 'CPU of the load' },
  ] as const;
  const { pictures } = renderPage([resultOf([950, 1_900, 900])], [{ ...scenario, plots }], noNotes);
  expect([...pictures.keys()]).toEqual(['webhooks-accepted.svg', 'webhooks-cpu-of-the-load.svg']);
  expect(pictures.get('webhooks-accepted.svg')).toContain('accepted: 950 at 10, 1,000 at 100');
  expect(pictures.get('webhooks-cpu-of-the-load.svg')).toContain('<desc id="desc">ours: 5 µs</desc>');
});

test('results and notes that belong to nothing are not lost silently', () => {
  expect(() => renderPage([{ ...resultOf([1]), name: 'gone' }], [scenario], noNotes)).toThrow(/results.*gone/);
  expect(() => renderPage([], [scenario], new Map([['webhoks', 'a']]))).toThrow(/notes.*webhoks/);
});

test('an edit by hand, a picture that is missing and one too many are found, and written away', () => {
  const docs = mkdtempSync(join(tmpdir(), 'bench-page-'));
  try {
    const page = renderPage([resultOf([950, 1_900, 900])], [scenario], noNotes);
    expect(outdatedFiles(docs, page)).toEqual(['performance.md', 'performance/webhooks-accepted.svg']);
    writePage(docs, page);
    expect(outdatedFiles(docs, page)).toEqual([]);
    writeFileSync(join(docs, 'performance.md'), page.markdown.replace('0.95', '1.95'));
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

test('the notes that are there belong to something', async () => {
  const { scenarios } = await import('./scenarios/all.ts');
  const notes = readNotes(join(import.meta.dirname, 'notes'));
  expect(notes.has('method')).toBe(true);
  expect(() => renderPage([], scenarios, notes)).not.toThrow();
});
