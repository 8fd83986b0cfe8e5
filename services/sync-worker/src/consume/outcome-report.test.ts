import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { createProcessSpans } from '@notion-mirror/worker/process-spans';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { outcomeDocument, type EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { expect, test } from 'vitest';
import { createOutcomeReport } from './outcome-report.ts';

const spans = createProcessSpans({ tracing: tracingOff, topic: 'events', group: 'test' });

function itemOf(eventId: string) {
  const item: DatabaseEvent = {
    eventId,
    kind: 'row_sync',
    type: 'page.content_updated',
    workspaceId: 'acme',
    connectionId: 'c1',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'n1',
    databaseId: 'd1',
    dataSourceId: 's1',
    pageId: 'p1',
    occurredAt: new Date(1_000),
    receivedAt: new Date(2_000),
    origin: 'nango',
    trace: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
  };
  return { item, takenAt: 0, record: { topic: 't', partition: 1, offset: 2n, timestamp: 3, key: null, value: null, headers: {} } };
}

// With a document and a line for each, a million events about rows would be a million documents and lines.
test('the events of one row have one log line, and one stored outcome by which each is found', async () => {
  const kept: EventOutcome[] = [];
  const lines: string[] = [];
  const metrics = new Registry();
  const report = createOutcomeReport({
    logger: createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } }),
    metrics,
    now: () => 5_000,
    keep: (outcome) => kept.push(outcome),
    spans,
    tracing: tracingOff,
  });
  report(itemOf('e3'), 'written', { trail: null, attempts: 1, waitedMs: 4, callsSaved: 2, others: [itemOf('e1'), itemOf('e2')] });
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ eventId: 'e3', pageId: 'p1', eventIds: 3, outcome: 'written' }]);
  expect(kept).toMatchObject([{ eventId: 'e3', others: ['e1', 'e2'], outcome: 'written', waitedMs: 4 }]);
  expect(kept.map((outcome) => outcomeDocument(outcome, new Date()).subjects)).toEqual([['e3', 'e1', 'e2', 'p1']]);
  const trace = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331', trace_flags: '00' };
  expect([JSON.parse(lines[0] ?? ''), kept[0]]).toMatchObject([trace, trace]);
  expect(kept[0]).not.toHaveProperty('trace');
  const counted = async (name: string) => (await metrics.getSingleMetric(name)!.get()).values;
  expect(await counted('notion_mirror_sync_outcomes_total')).toMatchObject([
    { labels: { outcome: 'written', coalesced: 'false' }, value: 1 },
    { labels: { outcome: 'written', coalesced: 'true' }, value: 2 },
  ]);
  expect((await counted('notion_mirror_sync_event_seconds')).at(-1)).toMatchObject({ value: 3 });
});

test('an event that was left to a scan names the trace of the scan, in its line and its outcome', () => {
  const kept: EventOutcome[] = [];
  const lines: string[] = [];
  const report = createOutcomeReport({
    logger: createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } }),
    metrics: new Registry(),
    now: () => 5_000,
    keep: (outcome) => kept.push(outcome),
    spans,
    tracing: tracingOff,
  });
  const scanTrace = '00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-01';
  report(itemOf('e1'), 'deferred', { trail: null, attempts: 1, waitedMs: 4, reason: 'scan_wanted', scanTrace });
  const scan = { scan_trace_id: '1af7651916cd43dd8448eb211c80319c', scan_trace_flags: '01' };
  expect([JSON.parse(lines[0] ?? ''), kept[0]]).toMatchObject([scan, scan]);
  for (const one of [JSON.parse(lines[0] ?? ''), kept[0]]) expect(one).not.toHaveProperty('scanTrace');
});

test('a stored outcome has a bounded number of events', () => {
  const kept: EventOutcome[] = [];
  const logger = createLogger({ service: 'test', level: 'silent' });
  const report = createOutcomeReport({
    logger,
    metrics: new Registry(),
    now: () => 5_000,
    keep: (outcome) => kept.push(outcome),
    spans,
    tracing: tracingOff,
  });
  const others = Array.from({ length: 2_500 }, (_, n) => itemOf(`e${n}`));
  report(itemOf('newest'), 'written', { trail: null, attempts: 1, waitedMs: 4, others });
  expect(kept.map(({ eventId, others: ids }) => [eventId, ids?.length])).toEqual([
    ['newest', 1_000],
    ['newest', 1_000],
    ['newest', 500],
  ]);
  expect(new Set(kept.flatMap(({ others: ids = [] }) => ids)).size).toBe(2_500);
});
