import type { JsonObject } from '../json.ts';
import type { Random } from '../random.ts';
import type { Property } from './properties.ts';
import type { OptionRequest, PropertyRequest } from './property-request.ts';

/** An option of a select, multi-select or status. */
export interface StoredOption extends JsonObject {
  readonly id: string;
  readonly name: string;
  readonly color: string;
}

/** The configuration to store for a plain type. New options get ids and colours; options of `before` keep theirs. */
export function storedConfig(request: PropertyRequest & { kind: 'plain' }, before: Property | null, ids: Random): JsonObject {
  const { type, options, config } = request;
  if (type === 'status') return statusConfig(options, before, ids);
  return type === 'select' || type === 'multi_select' ? { options: storedOptions(options ?? [], optionsOf(before), ids) } : config;
}

function storedOptions(requested: readonly OptionRequest[], before: readonly StoredOption[], ids: Random): StoredOption[] {
  return requested.map(({ id, name, color: wanted, description }) => {
    const known = before.find((option) => option.id === id || option.name === name);
    return {
      id: known?.id ?? id ?? ids.uuid(),
      name: name ?? known?.name ?? '',
      color: wanted ?? known?.color ?? 'default',
      description: description === undefined ? (known?.['description'] ?? null) : description,
    };
  });
}

const firstStatuses: readonly OptionRequest[] = [
  { name: 'Not started', color: 'default' },
  { name: 'In progress', color: 'blue' },
  { name: 'Done', color: 'green' },
];

function statusConfig(requested: readonly OptionRequest[] | null, before: Property | null, ids: Random): JsonObject {
  const known = optionsOf(before);
  const options = storedOptions(requested ?? (known.length === 0 ? firstStatuses : known.map(({ id }) => ({ id }))), known, ids);
  const ofGroup = (group: number) => options.flatMap(({ id }, index) => (Math.min(index, 2) === group ? [id] : []));
  const groups = ['To-do', 'In progress', 'Complete'].map((name, index) => ({
    id: ids.uuid(),
    name,
    color: ['gray', 'blue', 'green'][index] ?? 'default',
    option_ids: ofGroup(index),
  }));
  return { options, groups };
}

/** The options of a select, multi-select or status. */
export function optionsOf(property: Property | null): readonly StoredOption[] {
  if (property === null || property.type === 'relation' || property.type === 'rollup') return [];
  const options = property.config['options'];
  return Array.isArray(options) ? (options as readonly StoredOption[]) : [];
}
