import { expect, test } from 'vitest';
import { withheldOf, withheldText } from './withheld-values.ts';

test('the values that Notion does not return are named with the reason, and no others', () => {
  const properties = [
    { id: 'a', name: 'Total', type: 'formula', value: null, resultType: 'unsupported', computed: true },
    { id: 'b', name: 'Sum', type: 'rollup', value: null, resultType: 'incomplete', computed: true },
    { id: 'c', name: 'Owners', type: 'people', value: [], complete: false },
    { id: 'd', name: 'Price', type: 'formula', value: null, resultType: 'number', computed: true },
    { id: 'e', name: 'Notes', type: 'rich_text', value: '' },
  ];
  expect(withheldOf({ properties })).toEqual([
    { property: 'Total', why: 'unsupported' },
    { property: 'Sum', why: 'incomplete' },
    { property: 'Owners', why: 'cut_off' },
  ]);
});

test.each([null, {}, { properties: 'other' }])('a document without readable properties, %j, withholds nothing', (shown) => {
  expect(withheldOf(shown)).toEqual([]);
});

test('a name cannot break out of its line', () => {
  expect(withheldText({ property: 'A\nB', why: 'unsupported' })).not.toContain('\n');
});
