import type { RowProperty } from '@notion-mirror/domain/entities/row';
import { expect, test } from 'vitest';
import { cellText } from './cell-text.ts';

const titles = new Map([['p1', 'Kale']]);

test.each<[Omit<RowProperty, 'id' | 'name'>, string]>([
  [{ type: 'title', value: 'a\nb' }, 'a\nb'],
  [{ type: 'select', value: null, optionId: null }, ''],
  [{ type: 'checkbox', value: false }, 'false'],
  [{ type: 'number', value: 0 }, '0'],
  [{ type: 'multi_select', value: ['a', 'b'], optionIds: ['1', '2'] }, 'a, b'],
  [{ type: 'created_time', value: new Date(0) }, '1970-01-01T00:00:00.000Z'],
  [{ type: 'date', value: { start: '2026-01-31', end: null, timeZone: null } }, '2026-01-31'],
  [
    { type: 'date', value: { start: '2026-01-31T09:00', end: '2026-02-01T10:00', timeZone: 'Europe/Berlin' } },
    '2026-01-31T09:00 → 2026-02-01T10:00 Europe/Berlin',
  ],
  [{ type: 'files', value: [{ name: 'a.pdf', kind: 'file', url: 'https://files.example/a.pdf' }] }, 'a.pdf'],
  [{ type: 'relation', value: ['p1', 'p2'], complete: false }, 'Kale, p2, …'],
  [{ type: 'rollup', value: null, resultType: 'unsupported', computed: true }, '(unsupported)'],
  [{ type: 'rollup', value: [['a', 'b'], null, [], 3], resultType: 'array', computed: true }, 'a, b, 3'],
  [{ type: 'verification', value: { state: 'verified', verified_by: null } }, 'verified'],
  [{ type: 'hologram', value: { depth: 3 } }, '{"depth":3}'],
])('%j reads %j', (property, text) => {
  expect(cellText({ id: 'a', name: 'A', ...property }, (id) => titles.get(id))).toBe(text);
});
