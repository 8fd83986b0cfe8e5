import { describe, expect, it } from 'vitest';
import { deadLetterRecord } from './dead-letters.ts';
import { toRecord } from './event-record.ts';
import { databaseStates } from './entities/database-state.ts';
import type { LogRecord } from './log-record.ts';
import { stateLogOf } from './state-contract.ts';
import { eventOf } from './testing/isolated-log.ts';
import { groupIdFor, topicsFor } from './topics.ts';

const codec = { encode: () => Buffer.from('avro') };

describe('the names', () => {
  it('are those of the contract, with the unchanged prefix in front', () => {
    expect(topicsFor('')).toEqual({
      events: 'notion.database-events',
      deadLetters: 'notion.database-events.dead-letters',
      eventsSubject: 'notion.database-events-value',
    });
    expect(stateLogOf('', databaseStates)).toEqual({
      topic: 'notion.database-states',
      subject: 'notion.database-states-value',
      writerId: 'notion-mirror.state-log',
    });
    expect(topicsFor('eu_').deadLetters).toBe('eu_notion.database-events.dead-letters');
    expect(groupIdFor('eu_', 'sync-worker')).toBe('eu_notion-mirror.sync-worker');
  });
});

describe('the record of an event', () => {
  it('is a CloudEvent in binary mode, keyed by the tenant', () => {
    const event = eventOf({
      eventId: 'event-1',
      workspaceId: 'acme/eu',
      connectionId: 'connection 1',
      kind: 'delete',
      type: 'database.deleted',
    });
    expect(toRecord({ topic: 'events', event, codec })).toEqual({
      topic: 'events',
      key: 'acme/eu',
      value: Buffer.from('avro'),
      headers: {
        ce_specversion: '1.0',
        ce_id: 'event-1',
        ce_type: 'database.deleted',
        ce_source: '/workspaces/acme%2Feu/connections/connection%201',
        ce_time: '2025-11-30T11:04:05.123Z',
        'content-type': 'application/avro',
        'mirror-kind': 'delete',
      },
    });
  });

  it('names the bots that can read the entity and the trace, when they are known', () => {
    const { headers } = toRecord({
      topic: 'events',
      event: eventOf({ trace: '00-4bf92f-00f067-01' }),
      codec,
      accessibleBy: ['bot-1', 'bot-2'],
    });
    expect(headers).toMatchObject({ 'mirror-accessible-by': 'bot-1,bot-2', traceparent: '00-4bf92f-00f067-01' });
    expect(toRecord({ topic: 'events', event: eventOf(), codec, accessibleBy: [] }).headers).not.toHaveProperty('mirror-accessible-by');
    expect(toRecord({ topic: 'events', event: eventOf(), codec }).headers).not.toHaveProperty('traceparent');
  });
});

describe('a dead letter', () => {
  const record: LogRecord = {
    topic: 'events',
    partition: 3,
    offset: 2n ** 60n,
    timestamp: Date.parse('2025-11-30T11:04:07Z'),
    key: Buffer.from('acme'),
    value: Buffer.from([0, 1, 2, 255]),
    headers: { ce_id: 'event-1' },
  };
  const letterOf = (changes: Partial<LogRecord> = {}, message = 'the schema is unknown') =>
    deadLetterRecord({
      topic: 'dead-letters',
      record: { ...record, ...changes },
      failure: { class: 'poison', code: 'unknown_schema', message },
      attempts: 3,
      firstFailedAt: new Date('2025-11-30T11:05:00Z'),
      failedAt: new Date('2025-11-30T11:06:00Z'),
      service: 'sync-worker',
      group: 'notion-mirror.sync-worker',
    });

  it('keeps the record and has the cause as text', () => {
    expect(letterOf()).toEqual({
      topic: 'dead-letters',
      key: record.key,
      value: record.value,
      headers: {
        ce_id: 'event-1',
        'dlq.original.topic': 'events',
        'dlq.original.partition': '3',
        'dlq.original.offset': '1152921504606846976',
        'dlq.original.timestamp': '2025-11-30T11:04:07.000Z',
        'dlq.original.group': 'notion-mirror.sync-worker',
        'dlq.error.class': 'poison',
        'dlq.error.code': 'unknown_schema',
        'dlq.error.message': 'the schema is unknown',
        'dlq.attempts': '3',
        'dlq.first_failed_at': '2025-11-30T11:05:00.000Z',
        'dlq.failed_at': '2025-11-30T11:06:00.000Z',
        'dlq.service': 'sync-worker',
      },
    });
    expect(letterOf({ value: null }).value).toBeNull();
  });

  it('of a redriven record has its first place, and the cause of this failure', () => {
    const headers = { 'dlq.original.topic': 'first', 'dlq.original.offset': '1', 'dlq.replays': '1', 'dlq.error.code': 'old' };
    expect(letterOf({ headers }).headers).toMatchObject({
      'dlq.original.topic': 'first',
      'dlq.original.offset': '1',
      'dlq.replays': '1',
      'dlq.error.code': 'unknown_schema',
    });
  });

  it('limits the length of the message', () => {
    expect(String(letterOf({}, `${'x'.repeat(999)}🗂️ and more`).headers['dlq.error.message'])).toBe(`${'x'.repeat(999)}\ufffd`);
  });
});
