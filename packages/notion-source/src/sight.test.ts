import { expect, test } from 'vitest';
import { sightOf } from './sight.ts';

const answer = { kind: 'ok', body: { id: '1' }, text: '{"id":"1"}' } as const;

test('an answer that is parsed is seen', () => {
  expect(sightOf(answer, (body, text) => ({ kind: 'parsed', value: [body, text] }))).toEqual({
    kind: 'seen',
    value: [{ id: '1' }, '{"id":"1"}'],
  });
});

test('an answer with the id only fails permanently: the integration lacks a capability', () => {
  const sight = sightOf(answer, () => ({ kind: 'partial' }));
  expect(sight).toMatchObject({ kind: 'failed', failure: { class: 'restricted', code: 'partial_object' } });
});

test('an answer of another shape fails permanently, with the problem in at most 500 characters', () => {
  const sight = sightOf(answer, () => ({ kind: 'malformed', problem: 'x'.repeat(1_000) }));
  expect(sight).toEqual({ kind: 'failed', failure: { class: 'unexpected', code: 'malformed_object', message: 'x'.repeat(500) } });
});

test('a problem of the call is passed on', () => {
  expect(sightOf({ kind: 'dead' }, () => ({ kind: 'partial' }))).toEqual({ kind: 'dead' });
});
