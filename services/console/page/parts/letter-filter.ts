import type { LetterFilter, PlanOrder } from '../../src/answers/plans.ts';
import { shellWord } from './text.ts';

type Filter = { readonly [name in keyof LetterFilter]?: string | undefined };

const flags = [
  ['class', '--class'],
  ['code', '--code'],
  ['service', '--service'],
  ['tenant', '--workspace-id'],
  ['since', '--since'],
] as const;

/** The criteria that are set, and nothing else. */
export function criteriaOf(filter: Filter): LetterFilter {
  return Object.fromEntries(flags.flatMap(([name]) => (filter[name] === undefined ? [] : [[name, filter[name]]])));
}

/** `--class poison --since 2026-11-30T00:00:00Z`, as words of a command. */
export function filterFlags(filter: Filter): readonly string[] {
  return flags.flatMap(([name, flag]) => {
    const value = filter[name];
    return value === undefined ? [] : [flag, shellWord(value)];
  });
}

/** The command that does the same. */
export function letterCommand({ action, filter, refs, force }: PlanOrder): string {
  const which = refs ?? (filter === undefined ? [] : filterFlags(filter));
  return ['mirror dead-letters', action, ...which, ...(force === true ? ['--force'] : [])].join(' ');
}

const words = { class: 'class', code: 'code', service: 'service', tenant: 'tenant', since: 'failed since' } as const;

/** Which letters are meant: `class poison, tenant acme`. */
export function filterText(filter: Filter): string {
  return flags.flatMap(([name]) => (filter[name] === undefined ? [] : [`${words[name]} ${filter[name]}`])).join(', ');
}
