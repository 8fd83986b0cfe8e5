import { count } from '../text.ts';
import type { TenantSummary } from './tenant-summary.ts';

/** The state of a tenant in one sentence. */
export function tenantText(
  { state, held, waiting, oldestAt, isSilent, isStopped }: TenantSummary & { readonly isSilent: boolean; readonly isStopped: boolean },
  now: Date,
): string {
  if (state === 'unauthorized') return 'Notion refuses its token: the customer must connect again.';
  if (state === 'paused')
    return 'It is paused: nothing is mirrored. When it is resumed, a comparison with Notion finds what changed meanwhile.';
  if (state === 'deleted') return 'Its connections are deleted: nothing of it is mirrored any more.';
  if (held !== null) {
    const what = held.class === 'rate_limited' ? "Notion's limit holds it" : `It is held (${held.class}/${held.code})`;
    return `${what} until ${held.until.toISOString()}; ${count(waiting, 'event')} ${waiting === 1 ? 'waits' : 'wait'}.`;
  }
  if (isStopped) return 'A comparison with Notion stopped before removing many databases: see its sweep.';
  if (isSilent) return 'It sends no webhooks, although Notion shows edits: changes are found by comparisons only.';
  if (oldestAt === null) return 'It is mirrored. No change waits.';
  const seconds = Math.max(0, now.getTime() - oldestAt.getTime()) / 1000;
  return `It is mirrored but for ${count(waiting, 'event')}; the oldest has waited ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s.`;
}
