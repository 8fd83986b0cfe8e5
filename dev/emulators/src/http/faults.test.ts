import { expect, test } from 'vitest';
import { createRandom } from '../random.ts';
import type { FaultInput } from './faults.ts';
import { createFaultKit } from './faults.ts';

const request = { token: 't', workspaceId: 'w', method: 'GET', path: '/v1/databases/1' };

test.each<[string, FaultInput, boolean]>([
  ['everything', { kind: 'hang' }, true],
  ['its token', { kind: 'hang', token: 't' }, true],
  ['another token', { kind: 'hang', token: 'u' }, false],
  ['its workspace', { kind: 'hang', workspaceId: 'w' }, true],
  ['another workspace', { kind: 'hang', workspaceId: 'v' }, false],
  ['its method, in lower case', { kind: 'hang', method: 'get' }, true],
  ['another method', { kind: 'hang', method: 'POST' }, false],
  ['its path', { kind: 'hang', path: '/v1/databases/1' }, true],
  ['the beginning of its path', { kind: 'hang', path: '/v1/databases' }, false],
  ['a pattern', { kind: 'hang', path: '/v1/*' }, true],
  ['a pattern with regular expression characters', { kind: 'hang', path: '/v1/(.+)*' }, false],
  ['never', { kind: 'hang', probability: 0 }, false],
])('%s', (_, fault, hits) => {
  const kit = createFaultKit(createRandom('faults'));
  kit.inject(fault);
  expect(kit.hits(request).length).toBe(hits ? 1 : 0);
});

test('skips, fires `count` times, and is removed', () => {
  const kit = createFaultKit(createRandom('faults'));
  kit.inject({ kind: 'conflict_error', skip: 1, count: 2 });
  expect([1, 2, 3, 4].map(() => kit.hits(request).length)).toEqual([0, 1, 1, 0]);
  expect(kit.list()).toEqual([]);
});

test('latencies add up before one other fault', () => {
  const kit = createFaultKit(createRandom('faults'));
  kit.inject({ kind: 'latency', latencyMs: 5 });
  kit.inject({ kind: 'conflict_error' });
  kit.inject({ kind: 'hang' });
  expect(kit.hits(request).map(({ kind }) => kind)).toEqual(['latency', 'conflict_error']);
});

test('probability is drawn from the seed', () => {
  expect(drawnHits()).toEqual(drawnHits());
  const count = drawnHits().filter((hit) => hit === 1).length;
  expect(count).toBeGreaterThan(200);
  expect(count).toBeLessThan(400);
});

test('faults are cleared by id, or all at once', () => {
  const kit = createFaultKit(createRandom('faults'));
  const { id } = kit.inject({ kind: 'hang' });
  kit.inject({ kind: 'conflict_error' });
  kit.clear(id);
  expect(kit.list().map(({ kind }) => kind)).toEqual(['conflict_error']);
  kit.clear();
  expect(kit.list()).toEqual([]);
});

function drawnHits() {
  const kit = createFaultKit(createRandom('faults'));
  kit.inject({ kind: 'hang', probability: 0.3 });
  return Array.from({ length: 1000 }, () => kit.hits(request).length);
}
