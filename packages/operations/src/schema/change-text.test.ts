import type { Json, PropertyContent } from '@notion-mirror/domain/database-content';
import { schemaChanges } from '@notion-mirror/domain/schema-change';
import { expect, test } from 'vitest';
import { changeText } from './change-text.ts';

const property = (change: Partial<PropertyContent>): PropertyContent => ({
  id: 'a',
  name: 'Cost',
  type: 'number',
  description: null,
  config: {},
  ...change,
});
const select = (...options: Json[]) => property({ type: 'select', config: { options } });
const done = { id: 'x', name: 'Done', color: 'green', description: null };

test.each<[PropertyContent[], PropertyContent[], string[]]>([
  [[], [select(done)], ['added (select, 1 option)']],
  [[property({})], [], ['removed (was number)']],
  [[property({ name: 'Price' })], [property({})], ['renamed from "Price"']],
  [[property({ description: 'in euro' })], [property({})], ['description "in euro" → none']],
  [[property({})], [select(done)], ['type number → select']],
  [
    [property({ config: { format: 'euro' } })],
    [property({ config: { format: 'dollar', x: 'y'.repeat(99) } })],
    ['format euro → dollar, x none → …'],
  ],
  [[select()], [select(done)], ['option "Done" added (green)']],
  [[select(done)], [select()], ['option "Done" removed (green)']],
  [[select(done)], [select({ ...done, name: 'Ready', color: 'red' })], ['option "Done" renamed to "Ready"', 'option "Ready" green → red']],
  [[select(done)], [select({ ...done, description: 'at last' })], ['option "Done": description null → at last']],
  [[select(done, { id: 'y', name: 'Open' })], [select({ id: 'y', name: 'Open' }, done)], ['options in another order: Open, Done']],
])('%j → %j', (before, after, texts) => {
  expect(schemaChanges(before, after).map(changeText)).toEqual(texts);
});
