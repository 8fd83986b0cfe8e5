import { wantedBy, type WantedScan } from '@notion-mirror/mirror-store/scan-wishes';
import { spanIdOf } from '@notion-mirror/service-kit/tracing/trace-context';
import { tracingOff, type Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { expect, test } from 'vitest';
import { recordSpans } from '../../test/recorded-spans.ts';
import { createWorld, idOf, start } from '../../test/scan-world.ts';
import { createScanSpans } from './scan-spans.ts';
import { runTracedScan } from './traced-scan.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const contextFor = (index: number, flags: '00' | '01') =>
  `00-${String(index).padStart(32, 'a')}-${String(index).padStart(16, 'b')}-${flags}`;

/** A scan of nine rows, four on a page, that the mirror does not have. */
async function scan(tracing: Tracing, change: Partial<WantedScan> = {}) {
  const world = createWorld();
  for (const number of numbers(9)) world.set(idOf(number), { created: number });
  const contexts: (string | undefined)[] = [];
  const notion: typeof world.deps.notion = {
    ...world.deps.notion,
    queryRows(connection, id, signal, traceOfNext) {
      const ask = world.deps.notion.queryRows(connection, id, signal);
      return (request) => {
        contexts.push(traceOfNext?.());
        return ask(request);
      };
    },
  };
  const at = new Date(start - 60_000);
  const wish = { ...wantedBy({ reasons: ['flood'], depth: 'all', at, raisesAll: false, dueAt: at }), ...change };
  const order = {
    workspaceId: 'acme',
    dataSourceId: 's1',
    databaseId: 'd1',
    startedAt: new Date(world.now()),
    progress: null,
    scannedAt: null,
  };
  const counts = { calls: 0, returned: 0, written: 0, readSingly: 0 };
  let trace: string | undefined;
  const hooks = { counts, save: () => Promise.resolve(), mustPause: () => false, onTrace: (known: string) => void (trace = known) };
  await runTracedScan({ ...world.deps, notion, tracing }, { ...order, depth: 'all', wish }, hooks, new AbortController().signal);
  return { trace, contexts };
}

test('a scan has a span for each query and each page, with counts, and none for a row', async () => {
  const { tracing, spans } = recordSpans();
  const { trace, contexts } = await scan(tracing);
  const root = spans.find(({ name }) => name === 'scan flood');
  expect(root).toMatchObject({
    parent: undefined,
    spanId: spanIdOf(trace ?? ''),
    attributes: {
      'notion_mirror.data_source_id': 's1',
      'notion_mirror.outcome': 'ended',
      'notion_mirror.scan.written': 9,
      'notion_mirror.spans_left_out': 0,
    },
  });
  expect(contexts.every((context) => context === trace)).toBe(true);
  const pages = spans.filter((span) => span !== root);
  expect(pages.every(({ name, parent }) => name === 'apply rows' && parent === root?.spanId)).toBe(true);
  expect(pages.map(({ attributes }) => attributes)).toEqual(
    [4, 4, 1].map((rows) => ({
      'notion_mirror.rows': rows,
      'notion_mirror.rows_written': rows,
      'notion_mirror.rows_read_singly': 0,
      'notion_mirror.result': 'applied',
    })),
  );
});

test('a scan that events were left to belongs to the trace that they name; other such traces are linked to it', async () => {
  const { tracing, spans } = recordSpans();
  const [unsampled, first, second] = [contextFor(1, '00'), contextFor(2, '01'), contextFor(3, '01')];
  const { trace } = await scan(tracing, { traces: [unsampled, first, second] });
  const [there, elsewhere, ...more] = spans.filter(({ name }) => name === 'scan flood');
  expect([there, elsewhere, more]).toMatchObject([
    { parent: spanIdOf(first), links: [], spanId: spanIdOf(trace ?? '') },
    { parent: spanIdOf(second), links: [spanIdOf(trace ?? '')] },
    [],
  ]);
});

test('also without tracing its context is known, for its log lines', async () => {
  expect((await scan(tracingOff, { traces: [contextFor(1, '00')] })).trace).toBe(contextFor(1, '00'));
  expect((await scan(tracingOff)).trace).toMatch(/-00$/);
});

const applied = () => Promise.resolve('applied' as const);

test('a long scan has spans for its first pages only', async () => {
  const { tracing, spans } = recordSpans();
  const scanSpans = createScanSpans(tracing, contextFor(1, '01'));
  const counts = { calls: 0, returned: 0, written: 0, readSingly: 0 };
  const answers = scanSpans.ofPages({ isSame: () => true, applyRows: applied, applyAbsent: applied }, counts);
  for (const _ of numbers(600)) await answers.applyRows(0, []);
  expect([spans.length, scanSpans.leftOut()]).toEqual([500, 100]);
});
