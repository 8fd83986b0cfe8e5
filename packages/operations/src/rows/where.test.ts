import { describe, expect, test } from 'vitest';
import { OperatorError } from '../operator-error.ts';
import { parseWhere } from './where.ts';

const schema = [
  { id: 'title', name: 'Name', type: 'title' },
  { id: 'a', name: 'Name=x', type: 'select' },
  { id: 'b', name: 'Status', type: 'status' },
  { id: 'c', name: 'Due', type: 'date' },
  { id: 'd', name: 'Price', type: 'number' },
  { id: 'e', name: 'Done?', type: 'checkbox' },
  { id: 'f', name: 'ID', type: 'unique_id' },
  { id: 'g', name: 'Total', type: 'formula' },
  { id: 'h', name: 'Files', type: 'files' },
  { id: 'i', name: 'Made', type: 'created_time' },
];
const at = (text: string) => new Date(text);
const day = { from: at('2026-12-01T00:00:00Z'), until: at('2026-12-02T00:00:00Z') };

describe('a condition', () => {
  test.each([
    ['Status=Done', { name: 'Status', comparator: '=', readings: [{ field: 'value', operand: 'Done' }] }],
    ['Status != In progress ', { name: 'Status', comparator: '!=', readings: [{ field: 'value', operand: 'In progress' }] }],
    ['Status=', { name: 'Status', comparator: '=', readings: [{ field: 'value', operand: null }] }],
    ['Name~=', { name: 'Name', comparator: '~', readings: [{ field: 'value', operand: '=' }] }],
    // The longest name that fits.
    ['Name=x=1', { name: 'Name=x', comparator: '=', readings: [{ field: 'value', operand: '1' }] }],
    ['Name=y=1', { name: 'Name', comparator: '=', readings: [{ field: 'value', operand: 'y=1' }] }],
    ['Due<2026-12-01', { name: 'Due', comparator: '<', readings: [{ field: 'startAt', operand: day }] }],
    [
      'Made>=2026-12-01T09:00+01:00',
      {
        name: 'Made',
        comparator: '>=',
        readings: [{ field: 'value', operand: { from: at('2026-12-01T08:00:00Z'), until: at('2026-12-01T08:00:00.001Z') } }],
      },
    ],
    ['Price>=-2.5', { name: 'Price', comparator: '>=', readings: [{ field: 'value', operand: -2.5 }] }],
    ['Done?=true', { name: 'Done?', comparator: '=', readings: [{ field: 'value', operand: true }] }],
    ['ID=PRJ-12', { name: 'ID', comparator: '=', readings: [{ field: 'value', operand: 'PRJ-12' }] }],
    ['ID>12', { name: 'ID', comparator: '>', readings: [{ field: 'number', operand: 12 }] }],
    ['ID~12', { name: 'ID', comparator: '~', readings: [{ field: 'value', operand: '12' }] }],
    [
      'Total=1',
      {
        name: 'Total',
        comparator: '=',
        readings: [
          { field: 'value', operand: '1' },
          { field: 'value', operand: 1 },
        ],
      },
    ],
    ['Files~pdf', { name: 'Files', comparator: '~', readings: [{ field: 'value.name', operand: 'pdf' }] }],
  ])('%s', (text, condition) => {
    expect(parseWhere(text, schema)).toEqual(condition);
  });

  test.each([
    ['Stat=Done', 'Its properties: Name, Name=x, Status'],
    ['Status', "give a property's name"],
    ['Due<tomorrow', 'Due is of type date, which < does not compare with "tomorrow"'],
    ['Due=2026-13-01', 'of type date'],
    ['Due=2026-12-01T09:00', 'of type date'],
    ['Price~1', 'of type number'],
    ['Price=cheap', 'of type number'],
    ['Done?>true', 'of type checkbox'],
    ['Status<', 'of type status'],
  ])('%s makes no sense', (text, message) => {
    const parsing = () => parseWhere(text, schema);
    expect(parsing).toThrow(OperatorError);
    expect(parsing).toThrow(message);
  });
});
