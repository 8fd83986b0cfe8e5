import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { WorkItem } from '@notion-mirror/event-log/lanes/work';
import { createTracing } from '@notion-mirror/service-kit/tracing/spans';
import { spanIdOf, traceIdOf } from '@notion-mirror/service-kit/tracing/trace-context';
import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { expect, test } from 'vitest';
import { createProcessSpans, endThrown, endWithOutcome } from './process-spans.ts';

/** A trace of its own for each event. */
const traceFor = (index: number, flags: '00' | '01') => `00-${String(index).padStart(32, 'a')}-${String(index).padStart(16, 'b')}-${flags}`;

function itemOf(index: number, flags: '00' | '01' | null): WorkItem<DatabaseEvent> {
  const item: DatabaseEvent = {
    eventId: `e${index}`,
    kind: 'sync',
    type: 'database.created',
    workspaceId: 'acme',
    connectionId: 'c1',
    providerConfigKey: 'notion',
    notionWorkspaceId: 'n1',
    databaseId: 'd1',
    dataSourceId: null,
    pageId: null,
    occurredAt: new Date(1_000),
    receivedAt: new Date(2_000 + index),
    origin: 'nango',
    trace: flags === null ? undefined : traceFor(index, flags),
  };
  return { item, takenAt: 0, record: { topic: 't', partition: 1, offset: 2n, timestamp: 3, key: null, value: null, headers: {} } };
}

interface Ended {
  readonly traceId: string;
  readonly parent: string | undefined;
  readonly links: readonly string[];
  readonly attributes: object;
}

function world(sample = false) {
  const ended: Ended[] = [];
  const tracing = createTracing({
    sample: () => sample,
    processor: {
      onStart() {},
      onEnd: (span) =>
        void ended.push({
          traceId: span.spanContext().traceId,
          parent: span.parentSpanContext?.spanId,
          links: span.links.map(({ context }) => context.spanId),
          attributes: span.attributes,
        }),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  });
  return { ended, spans: createProcessSpans({ tracing, topic: 'events', group: 'workers' }) };
}

const idOf = (index: number) => spanIdOf(traceFor(index, '01'));

test('the handling of a task belongs to the trace of its newest event, and is linked to all', () => {
  const { ended, spans } = world();
  const items = [itemOf(1, '01'), itemOf(2, '00'), itemOf(3, '01')];
  spans.start(items, items[2]!, 1)?.end();
  expect(ended).toMatchObject([{ traceId: traceIdOf(traceFor(3, '01')), parent: idOf(3), links: [idOf(3), idOf(1), idOf(2)] }]);
});

test('or to that of the last event that is sampled, if the newest one is not', () => {
  const { ended, spans } = world();
  const items = [itemOf(1, '01'), itemOf(2, '01'), itemOf(3, '00')];
  spans.start(items, items[2]!, 1)?.end();
  expect(ended).toMatchObject([{ parent: idOf(2), links: [idOf(2), idOf(1), idOf(3)], attributes: { 'messaging.message.id': 'e3' } }]);
});

test('if none is, only what fails for good is seen', () => {
  const { ended, spans } = world();
  const one = itemOf(1, '00');
  const begin = () => spans.start([one], one, 2);
  endWithOutcome(begin(), { kind: 'done' });
  const failure = { class: 'server', code: 'internal_server_error', message: 'a text' } as const;
  endWithOutcome(begin(), { kind: 'retry', at: 1, scope: 'task', failure });
  expect(ended).toEqual([]);
  endWithOutcome(begin(), { kind: 'dead', failure });
  endThrown(begin(), new TypeError('a text'));
  expect(ended).toMatchObject([
    { parent: idOf(1), attributes: { 'error.type': 'server/internal_server_error', 'notion_mirror.attempt': 2 } },
    { parent: idOf(1), attributes: { 'error.type': 'TypeError' } },
  ]);
  expect(JSON.stringify(ended)).not.toContain('a text');
});

test('an event without a trace, as of an earlier version, begins one', () => {
  const { ended, spans } = world(true);
  const one = itemOf(1, null);
  spans.start([one], one, 1)?.end();
  expect(ended).toMatchObject([{ parent: expect.any(String), links: [] }]);
});

test('links are at most 128, the parent among them', () => {
  const { ended, spans } = world();
  const items = Array.from({ length: 500 }, (_, index) => itemOf(index + 1, '01'));
  spans.start(items, items[499]!, 1)?.end();
  expect([ended[0]?.links.length, ended[0]?.links[0]]).toEqual([128, idOf(500)]);
});

test('an event that another one answered ends its own trace, linked to that handling', () => {
  const { ended, spans } = world();
  const by = { trace: traceFor(9, '01'), since: 5 };
  const context = spans.answered(itemOf(1, '01'), by, { 'notion_mirror.coalesced_into': 'e9' });
  expect(ended).toMatchObject([{ parent: idOf(1), links: [idOf(9)], attributes: { 'notion_mirror.coalesced_into': 'e9' } }]);
  expect(traceIdOf(context ?? '')).toBe(traceIdOf(traceFor(1, '01')));
  expect(spans.answered(itemOf(2, '00'), by, {})).toBe(traceFor(2, '00'));
  expect(ended).toHaveLength(1);
  // Left to a scan: linked to that, too.
  spans.answered(itemOf(3, '01'), { ...by, leftTo: traceFor(8, '01') }, {});
  expect(ended[1]?.links).toEqual([idOf(9), idOf(8)]);
});

test('without tracing there is no span, and a trace is named as it is', () => {
  const spans = createProcessSpans({ tracing: tracingOff, topic: 'events', group: 'workers' });
  const one = itemOf(1, '01');
  expect(spans.start([one], one, 1)).toBeNull();
  expect(spans.answered(one, { trace: undefined, since: 0 }, {})).toBe(one.item.trace);
});
