import type { DeadLetterFacts } from '@notion-mirror/event-log/dead-letters';
import { describe, expect, test } from 'vitest';
import { filterOption, parseRef, sinceOption } from './dead-letter-options.ts';

const now = new Date('2026-03-01T12:00:00Z');

const letter: DeadLetterFacts = {
  partition: 0,
  offset: 7n,
  timestamp: now.getTime(),
  cause: { class: 'poison', code: 'undecodable', message: '' },
  service: 'sync-worker',
  attempts: 1,
  firstFailedAt: null,
  failedAt: new Date('2026-03-01T10:00:00Z'),
  workspaceId: 'acme',
  eventId: null,
  eventType: null,
  redrive: { to: 'nowhere' },
  redrives: 0,
};

describe('--since', () => {
  test.each([
    ['90m', '2026-03-01T10:30:00.000Z'],
    ['2h', '2026-03-01T10:00:00.000Z'],
    ['3d', '2026-02-26T12:00:00.000Z'],
    ['2026-02-28', '2026-02-28T00:00:00.000Z'],
    ['2026-02-28T01:00:00+01:00', '2026-02-28T00:00:00.000Z'],
  ])('%s', (text, time) => expect(sinceOption(text, now).toISOString()).toBe(time));

  test.each(['', '2', 'h', '2w', 'yesterday', '2026-13-01', '-2h'])('%j is refused', (text) => {
    expect(() => sinceOption(text, now)).toThrow('--since');
  });
});

test.each([
  [{}, true],
  [{ class: 'poison', code: 'undecodable', service: 'sync-worker', workspaceId: 'acme', since: '2h' }, true],
  [{ class: 'notion' }, false],
  [{ class: 'poison', code: 'not_framed' }, false],
  [{ service: 'ingress' }, false],
  [{ workspaceId: 'acm' }, false],
  [{ since: '119m' }, false],
])('letters match every option of %j: %s', (options, fits) => expect(filterOption(options, now)(letter)).toBe(fits));

test('a letter without a tenant matches no tenant', () => {
  expect(filterOption({ workspaceId: 'acme' }, now)({ ...letter, workspaceId: null })).toBe(false);
});

test('a letter is named by partition and offset', () => {
  expect(parseRef('0:12')).toEqual({ partition: 0, offset: 12n });
  for (const text of ['', '12', '0:', ':1', '0:-1', '0:1:2', 'a:1']) expect(() => parseRef(text)).toThrow('is not a dead letter');
});
