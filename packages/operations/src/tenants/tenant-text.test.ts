import { expect, test } from 'vitest';
import { tenantText } from './tenant-text.ts';

const now = new Date('2026-01-02T00:00:00Z');
const well = {
  workspaceId: 'acme',
  state: 'active',
  freshness: 'second',
  connections: { active: 1, paused: 0, unauthorized: 0, deleted: 0 },
  waiting: 0,
  oldestAt: null,
  held: null,
  isSilent: false,
  isStopped: false,
} as const;
const held = { until: now, class: 'rate_limited', code: 'pause', message: 'wait' };

test.each([
  [{}, 'It is mirrored. No change waits.'],
  [{ waiting: 2, oldestAt: new Date(now.getTime() - 1_500) }, 'It is mirrored but for 2 events; the oldest has waited 1.5 s.'],
  [{ state: 'unauthorized' as const }, 'Notion refuses its token: the customer must connect again.'],
  [
    { state: 'paused' as const },
    'It is paused: nothing is mirrored. When it is resumed, a comparison with Notion finds what changed meanwhile.',
  ],
  [{ state: 'deleted' as const }, 'Its connections are deleted: nothing of it is mirrored any more.'],
  [{ held, waiting: 1 }, "Notion's limit holds it until 2026-01-02T00:00:00.000Z; 1 event waits."],
  [{ held: { ...held, class: 'dependency' }, waiting: 3 }, 'It is held (dependency/pause) until 2026-01-02T00:00:00.000Z; 3 events wait.'],
  [{ isStopped: true }, 'A comparison with Notion stopped before removing many databases: see its sweep.'],
  [{ isSilent: true }, 'It sends no webhooks, although Notion shows edits: changes are found by comparisons only.'],
])('%j', (change, text) => {
  expect(tenantText({ ...well, ...change }, now)).toBe(text);
});
