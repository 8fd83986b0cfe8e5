import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { Writable } from 'node:stream';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { LogRecord } from '@notion-mirror/event-log/log-record';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { createMetrics } from '@notion-mirror/service-kit/metrics';
import { expect, test } from 'vitest';
import { createOutcomeReport } from './outcome-report.ts';

const record: LogRecord = { topic: 't', partition: 3, offset: 7n, timestamp: 0, key: null, value: null, headers: {} };
const event: DatabaseEvent = {
  eventId: 'e1',
  kind: 'row_delete',
  type: 'page.deleted',
  workspaceId: 'acme',
  connectionId: 'c1',
  providerConfigKey: 'notion',
  notionWorkspaceId: 'n1',
  databaseId: null,
  dataSourceId: null,
  pageId: 'p1',
  occurredAt: new Date(1_000),
  receivedAt: new Date(2_000),
  origin: 'nango',
};

function reporter() {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  const kept: EventOutcome[] = [];
  const logger = createLogger({ service: 'delete-worker', level: 'info', destination });
  const report = createOutcomeReport({
    logger,
    metrics: createMetrics('x'),
    now: () => 5_000,
    keep: (outcome) => kept.push(outcome),
    tracing: tracingOff,
  });
  return { lines, kept, report: (item: DatabaseEvent, ...rest: Rest) => report({ item, record, takenAt: 0 }, ...rest) };
}
type Rest = Parameters<ReturnType<typeof createOutcomeReport>> extends [unknown, ...infer R] ? R : never;

const way = { record: null, reason: null, attempts: 1, waitedMs: 0 };

test('the outcome of a row names its page and the reason, in the log and in MongoDB', () => {
  const { lines, kept, report } = reporter();
  report(event, 'ignored', { ...way, reason: 'not_a_row' });
  const named = { eventId: 'e1', pageId: 'p1', databaseId: null, outcome: 'ignored', reason: 'not_a_row' };
  expect(lines).toMatchObject([{ level: 'info', ...named, ageMs: 3_000 }]);
  expect(kept).toMatchObject([{ ...named, service: 'delete-worker', kind: 'row_delete', place: { partition: 3, offset: 7 } }]);
});

test('a database that was missing is a warning, a row is not: it may be deleted before the mirror has seen it', () => {
  const { lines, report } = reporter();
  report({ ...event, kind: 'delete', databaseId: 'd1', pageId: null }, 'missing', way);
  report(event, 'missing', way);
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  expect(lines[0]).not.toHaveProperty('pageId');
  expect(lines[0]).not.toHaveProperty('reason');
});
