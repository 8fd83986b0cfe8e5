import type { Json, JsonObject } from '@notion-mirror/domain/database-content';
import type { SchemaChange } from '@notion-mirror/domain/schema-change';
import { count } from '../text.ts';

/** What a change did to its property, without the property's name: `renamed from "Cost"`. May hold control characters of users' text. */
export function changeText(change: SchemaChange): string {
  switch (change.kind) {
    case 'added':
      return `added (${change.new.type}${optionsOf(change.new.config)})`;
    case 'removed':
      return `removed (was ${change.old.type}${optionsOf(change.old.config)})`;
    case 'renamed':
      return `renamed from "${change.old}"`;
    case 'retyped':
      return `type ${change.old.type} → ${change.new.type}`;
    case 'described':
      return `description ${quoted(change.old)} → ${quoted(change.new)}`;
    case 'configured':
      return settings(change.old, change.new);
    case 'options_reordered':
      return `options in another order: ${change.new.map(({ name }) => name ?? '').join(', ')}`;
    case 'option_added':
      return `option "${change.option}" added${colourOf(change.new)}`;
    case 'option_removed':
      return `option "${change.option}" removed${colourOf(change.old)}`;
    case 'option_renamed':
      return `option "${change.old}" renamed to "${change.new}"`;
    case 'option_recoloured':
      return `option "${change.option}" ${shown(change.old)} → ${shown(change.new)}`;
    case 'option_configured':
      return `option "${change.option}": ${settings(change.old, change.new)}`;
  }
}

function optionsOf(config: Json): string {
  const options = isObject(config) ? config['options'] : undefined;
  return Array.isArray(options) ? `, ${count(options.length, 'option')}` : '';
}

function quoted(text: string | null): string {
  return text === null ? 'none' : `"${text}"`;
}

function colourOf({ color }: JsonObject): string {
  return typeof color === 'string' ? ` (${color})` : '';
}

/** The settings that differ: short values as they are, others by name only. */
function settings(old: Json, now: Json): string {
  if (!isObject(old) || !isObject(now)) return 'its settings changed';
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].filter(
    (name) => JSON.stringify(old[name]) !== JSON.stringify(now[name]),
  );
  return names.map((name) => `${name} ${shown(old[name])} → ${shown(now[name])}`).join(', ');
}

const longestValue = 60;

function shown(value: Json | undefined): string {
  if (value === undefined) return 'none';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > longestValue ? '…' : text;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
