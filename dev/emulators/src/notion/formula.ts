import type { Json, JsonObject } from '../json.ts';
import { isJsonObject, textAt } from '../json.ts';
import type { RichText } from './model.ts';
import { plainTextOf } from './rich-text.ts';

const literal = /^(?:"([^"]*)"|(-?\d+(?:\.\d+)?))$/;
const operation = /^prop\("([^"]+)"\)(?:\s*([-+*/])\s*(-?\d+(?:\.\d+)?))?$/;

/**
 * The value of a formula, in the shape of its type. Emulated: a literal, `now()`, `prop("Name")`, and a number property with one operation:
 * `prop("Price") * 2`. Any other expression is an empty text. `valueOf` gives a property's value as `{type, [type]: …}`.
 */
export function evaluateFormula(
  expression: string,
  { now, valueOf }: { now: number; valueOf: (propertyName: string) => JsonObject | null },
): JsonObject {
  const text = expression.trim();
  const constant = literal.exec(text);
  if (constant !== null) return constant[2] === undefined ? ofText(constant[1] ?? '') : ofNumber(Number(constant[2]));
  if (text === 'now()') return { type: 'date', date: { start: new Date(now).toISOString(), end: null, time_zone: null } };
  const [, name, operator, operand] = operation.exec(text) ?? [];
  if (name === undefined) return ofText(null);
  const value = bareValue(valueOf(name));
  if (operator === undefined || value['type'] === 'unsupported') return value;
  const number = value['number'];
  if (typeof number !== 'number') return ofNumber(null);
  return ofNumber(calculate(number, operator, Number(operand)));
}

function calculate(a: number, operator: string, b: number): number | null {
  const result = { '+': a + b, '-': a - b, '*': a * b, '/': a / b }[operator] ?? null;
  return result === null || Number.isFinite(result) ? result : null;
}

/** The value of a property as a formula sees it. */
function bareValue(property: JsonObject | null): JsonObject {
  const type = property?.['type'];
  if (property === null || typeof type !== 'string') return ofText(null);
  const value = property[type] ?? null;
  if (type === 'formula' || type === 'rollup') return ofComputed(value);
  if (type === 'title' || type === 'rich_text') return ofText(plainTextOf(value as RichText));
  if (type === 'number') return ofNumber(value as number | null);
  if (type === 'checkbox') return { type: 'boolean', boolean: value };
  if (type === 'date') return { type: 'date', date: value };
  if (type === 'select' || type === 'status') return ofText(isJsonObject(value) ? textAt(value, 'name') : null);
  return ofText(typeof value === 'string' ? value : null);
}

function ofComputed(value: Json): JsonObject {
  if (!isJsonObject(value)) return ofText(null);
  const { function: _, ...bare } = value;
  return bare['type'] === 'array' ? ofText(null) : bare;
}

function ofText(string: string | null): JsonObject {
  return { type: 'string', string };
}

function ofNumber(number: number | null): JsonObject {
  return { type: 'number', number };
}
