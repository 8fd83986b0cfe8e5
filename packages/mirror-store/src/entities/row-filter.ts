import type { Document } from 'mongodb';

export const comparators = ['!=', '<=', '>=', '=', '<', '>', '~'] as const;
/** `~`: contains, in whatever case. */
export type Comparator = (typeof comparators)[number];

/** A moment or a day: from `from` on, before `until`. */
export interface Span {
  readonly from: Date;
  readonly until: Date;
}

/** A condition on one property of a row. It holds if it does for one of the readings of the text that it compares with. */
export interface RowCondition {
  /** The property's name. */
  readonly name: string;
  readonly comparator: Comparator;
  readonly readings: readonly Reading[];
}

/** What a field of the property is compared with (`docs/data-model.md`); of an array, each element is. Null: that it is empty. */
export interface Reading {
  readonly field: 'value' | 'value.name' | 'number' | 'startAt';
  readonly operand: string | number | boolean | Span | null;
}

/** The filter of `rows` for the condition. `!=` also holds for a row that lacks the property. */
export function filterOf({ name, comparator, readings }: RowCondition): Document {
  const meant = comparator === '!=' ? '=' : comparator;
  const property = { $elemMatch: { name, $or: readings.map(({ field, operand }) => ({ [field]: testOf(meant, operand) })) } };
  return { properties: comparator === '!=' ? { $not: property } : property };
}

function testOf(comparator: Exclude<Comparator, '!='>, operand: Reading['operand']): Document {
  if (operand === null) return { $in: [null, '', []] };
  if (typeof operand === 'object') return spanTest(comparator, operand);
  switch (comparator) {
    case '=':
      return { $eq: operand };
    case '<':
      return { $lt: operand };
    case '<=':
      return { $lte: operand };
    case '>':
      return { $gt: operand };
    case '>=':
      return { $gte: operand };
    case '~':
      return containing(String(operand));
  }
}

/** Texts with this part, in any case. */
export function containing(part: string): { readonly $regex: string; readonly $options: 'i' } {
  return { $regex: part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'), $options: 'i' };
}

function spanTest(comparator: Exclude<Comparator, '!='>, { from, until }: Span): Document {
  switch (comparator) {
    case '=':
    case '~':
      return { $gte: from, $lt: until };
    case '<':
      return { $lt: from };
    case '<=':
      return { $lt: until };
    case '>':
      return { $gte: until };
    case '>=':
      return { $gte: from };
  }
}
