import { BSON } from 'mongodb';
import type { Fields } from '@notion-mirror/domain/content-differences';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import { expect, it } from 'vitest';
import { isSameAnswer } from './held-databases.ts';
import { storable } from '../records/storable.ts';

/** A response as stored by the mirror. */
const stored = (answer: JsonObject): Fields => BSON.deserialize(BSON.serialize({ answer: storable(answer) }))['answer'];

const answer: JsonObject = {
  object: 'data_source',
  id: 's1',
  request_id: 'r1',
  properties: { 'a\0b $.c': { id: 'p1', type: 'select', select: { options: [] } }, _bsontype: { id: 'p2', type: 'title' } },
  icon: { type: 'file', file: { url: 'https://files.example.com/a.png?X-Amz-Signature=1', expiry_time: '2026-11-25T12:00:00Z' } },
};

it('is the same when only the request id and the signed URLs differ', () => {
  const file = { url: 'https://files.example.com/a.png?X-Amz-Signature=2', expiry_time: '2026-11-25T13:00:00Z' };
  expect(isSameAnswer(stored(answer), answer)).toBe(true);
  expect(isSameAnswer(stored(answer), { ...answer, request_id: 'r2', icon: { type: 'file', file } })).toBe(true);
});

it('differs when anything visible to a user has changed', () => {
  expect(isSameAnswer(stored(answer), { ...answer, properties: {} })).toBe(false);
  expect(isSameAnswer(stored(answer), { ...answer, icon: null })).toBe(false);
  expect(isSameAnswer(stored(answer), { ...answer, in_trash: false })).toBe(false);
});
