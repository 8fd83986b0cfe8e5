import type { EventFilter } from './arrivals.ts';
import { shellWord } from './text.ts';

const flags = [
  ['tenant', '--workspace-id'],
  ['about', '--about'],
  ['type', '--type'],
  ['outcome', '--outcome'],
  ['origin', '--origin'],
  ['service', '--service'],
  ['minMs', '--min-ms'],
  ['from', '--since'],
] as const;

/** The command that lists the same events; it lists to the latest, whatever `to` is. */
export function eventCommand(filter: EventFilter): string {
  const given = flags.flatMap(([name, flag]) => {
    const value = filter[name];
    return value === undefined || value === '' ? [] : [flag, shellWord(value)];
  });
  return ['mirror events list', ...(filter.needsLook === '1' ? ['--needs-look'] : []), ...given].join(' ');
}
