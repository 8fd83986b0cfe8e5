import type { SchemaProperty } from '@notion-mirror/mirror-store/entities/held-sources';
import { comparators, type Comparator, type Reading, type RowCondition, type Span } from '@notion-mirror/mirror-store/entities/row-filter';
import { OperatorError } from '../operator-error.ts';
import { oneLine } from '../text.ts';

const dayMs = 24 * 60 * 60 * 1000;

/**
 * A condition on a property, such as `Status=Done`, `Due<2026-12-01`, `Name~plan` or `Owner=` (empty). Names may contain anything: the longest name of
 * the schema that fits is meant. Throws a usage error.
 */
export function parseWhere(text: string, schema: readonly SchemaProperty[]): RowCondition {
  const fitting = schema.flatMap((property) => {
    const rest = text.startsWith(property.name) ? text.slice(property.name.length).trimStart() : '';
    const comparator = comparators.find((one) => rest.startsWith(one));
    return comparator === undefined ? [] : [{ property, comparator, operand: rest.slice(comparator.length).trim() }];
  });
  const [meant] = fitting.toSorted((a, b) => b.property.name.length - a.property.name.length);
  if (meant === undefined) {
    const names = schema.map(({ name }) => oneLine(name)).join(', ');
    throw usage(
      `--where "${oneLine(text)}": give a property's name, then one of ${comparators.join(' ')}, then a value. Its properties: ${names}`,
    );
  }
  const { property, comparator, operand } = meant;
  const readings = readingsOf(property, comparator, operand);
  if (readings.length === 0) {
    const { name, type } = property;
    throw usage(
      `--where "${oneLine(text)}": ${oneLine(name)} is of type ${type}, which ${comparator} does not compare with "${oneLine(operand)}"`,
    );
  }
  return { name: property.name, comparator, readings };
}

/** What the text can mean for a property of that type; empty: nothing. */
function readingsOf({ type }: SchemaProperty, comparator: Comparator, operand: string): Reading[] {
  const isEquality = comparator === '=' || comparator === '!=';
  if (operand === '') return isEquality ? [{ field: 'value', operand: null }] : [];
  return fieldsOf(type, operand).filter((reading, _, all) => {
    if (comparator === '~') return typeof reading.operand === 'string';
    // `PRJ-12` is later than `PRJ-3`, but not as text.
    if (type === 'unique_id' && all.length > 1) return typeof reading.operand === 'number';
    return isEquality || typeof reading.operand !== 'boolean';
  });
}

function fieldsOf(type: string, operand: string): Reading[] {
  const text: Reading = { field: 'value', operand };
  switch (type) {
    case 'number':
      return numbers('value', operand);
    case 'checkbox':
      return booleans(operand);
    case 'date':
    case 'verification':
      return spans('startAt', operand);
    case 'created_time':
    case 'last_edited_time':
      return spans('value', operand);
    case 'unique_id':
      return [text, ...numbers('number', operand)];
    case 'files':
      return [{ field: 'value.name', operand }];
    // Their schema does not say which type the result has.
    case 'formula':
    case 'rollup':
      return [text, ...numbers('value', operand), ...booleans(operand), ...spans('startAt', operand), ...spans('value', operand)];
    default:
      return [text];
  }
}

function numbers(field: Reading['field'], text: string): Reading[] {
  const number = Number(text);
  return Number.isFinite(number) ? [{ field, operand: number }] : [];
}

function booleans(text: string): Reading[] {
  return text === 'true' || text === 'false' ? [{ field: 'value', operand: text === 'true' }] : [];
}

function spans(field: Reading['field'], text: string): Reading[] {
  const span = spanOf(text);
  return span === null ? [] : [{ field, operand: span }];
}

/** A day of UTC, or a moment with its offset. */
function spanOf(text: string): Span | null {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  if (!isDay && !/^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:\d{2})$/.test(text)) return null;
  const from = new Date(text);
  if (Number.isNaN(from.getTime())) return null;
  return { from, until: new Date(from.getTime() + (isDay ? dayMs : 1)) };
}

function usage(message: string): OperatorError {
  return new OperatorError('usage', message, { kind: 'usage' });
}
