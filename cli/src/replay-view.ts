import type { Replay } from '@notion-mirror/mirror-store/replays';
import { shareOf } from '@notion-mirror/operations/replay/replay-json';
import type { ReplayPlan } from '@notion-mirror/operations/replay/plan';
import type { ShadowComparison } from '@notion-mirror/operations/replay/shadow';
import { count, oneLine } from '@notion-mirror/operations/text';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { Colors } from './output.ts';

export function replayPlanJson({ order, ranges, records, fetches, estimatedMs }: ReplayPlan): JsonObject {
  return { ...order, partitions: ranges.length, records, ...(fetches ?? { notionCalls: 0 }), estimatedSeconds: estimatedMs / 1000 };
}

export function renderReplayPlan({ order, ranges, records, fetches, estimatedMs }: ReplayPlan, colors: Colors): string {
  const seconds = estimatedMs / 1000;
  const of = [
    order.workspaceId === null ? 'all tenants' : `tenant ${order.workspaceId}`,
    ...(order.databaseId === null ? [] : [`database ${order.databaseId}`]),
  ].join(', ');
  const read = `${count(records, 'record')} in ${count(ranges.length, 'partition')}`;
  const takes = seconds < 90 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  if (fetches === null) {
    return [
      `Plan: write the states of ${colors.bold(of)} from the state log into ${order.into === 'mirror' ? 'the mirror' : 'a shadow of it'}, where it is older or lacks them.`,
      `→ up to ${read}; no call to Notion; about ${takes}.`,
    ].join('\n');
  }
  const { rows } = fetches;
  const targets = `${count(fetches.targets - rows, 'database')}${rows === 0 ? '' : ` and ${count(rows, 'row')}`}`;
  return [
    `Plan: fetch ${colors.bold(targets)} of ${count(fetches.tenants, 'tenant')} again (${of}).`,
    `→ ${read}; one event for each; about ${count(fetches.notionCalls, 'call')} to Notion, which take about ${takes} within the rate budgets.`,
    ...(fetches.withoutConnection === 0
      ? []
      : [colors.yellow(`${fetches.withoutConnection} more, of tenants without an active connection: skipped.`)]),
  ].join('\n');
}

export function renderReplay({ source, status: state, startedAt, ranges, counts }: Replay, colors: Colors): string {
  const [done, all] = shareOf(ranges);
  const share = source === 'states' ? `, ${all === 0 ? 100 : Math.floor((done / all) * 100)} %` : '';
  return `Replay from ${source} of ${startedAt.toISOString()}: ${colors.bold(state)}${share}. ${wordsOf(counts)}`;
}

export function wordsOf(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts).filter(([, number]) => number > 0);
  return words.length === 0 ? 'Nothing yet.' : `${words.map(([word, number]) => `${word} ${number}`).join(', ')}.`;
}

export function comparisonJson({ shadow, counts, differences }: ShadowComparison): JsonObject {
  return { shadow, counts: { ...counts }, differences: differences.map((difference) => ({ ...difference })) };
}

export function renderComparison({ shadow, counts, differences }: ShadowComparison, colors: Colors): string {
  const all = Object.values(counts).reduce((sum, number) => sum + number, 0);
  const head = `The shadow has ${count(shadow, 'record')}.`;
  if (all === 0) return `${head} ${colors.green('Readers would see no difference.')}`;
  const words = { only_in_mirror: 'only in the mirror', only_in_shadow: 'only in the shadow', other_content: 'other content' };
  return [
    `${head} ${colors.yellow(`${count(all, 'difference')}:`)}`,
    ...differences.map((difference) => {
      const fields = difference.kind === 'other_content' ? `: ${difference.fields.join(', ')}` : '';
      return `  ${oneLine(difference.id)}  ${words[difference.kind]}${fields}`;
    }),
    ...(all > differences.length ? [`  … and ${all - differences.length} more`] : []),
  ].join('\n');
}
