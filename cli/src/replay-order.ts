import { rangesOn } from '@notion-mirror/event-log/range-reader';
import { topicsFor } from '@notion-mirror/event-log/topics';
import type { ReplayOrder, ReplayRange } from '@notion-mirror/mirror-store/replays';
import type { ConfiguredContext } from './command-context.ts';
import { parseRef, sinceOption } from './dead-letter-filters.ts';
import { CliError, usageError } from './exit-code.ts';
import { notionIdOption, opaqueId } from './id-options.ts';
import { kafkaOf, withAdmin, type Kafka } from './servers.ts';

/** As commander gives it. */
export interface ReplayOptions {
  readonly fromStates?: boolean;
  readonly shadow?: boolean;
  readonly since?: string;
  readonly offset?: readonly string[];
  readonly workspaceId?: string;
  readonly databaseId?: string;
}

/** Throws a usage error. `since` is kept as a time or as places, so that a replay that is taken up again means the same. */
export function orderOf(options: ReplayOptions, now: Date): ReplayOrder {
  const { fromStates = false, shadow = false, since, offset, workspaceId, databaseId } = options;
  if (since !== undefined && offset !== undefined) throw usageError('--since and --offset exclude each other');
  if (fromStates && (since !== undefined || offset !== undefined)) {
    throw usageError('--from-states takes no beginning: the state log holds the latest state of every database, wherever it lies');
  }
  if (shadow && !fromStates) throw usageError('--shadow goes with --from-states: what is fetched again is written by the workers');
  if (shadow && (workspaceId !== undefined || databaseId !== undefined)) {
    throw usageError('--shadow takes every tenant: it is meant to take the place of the mirror');
  }
  const places = offset?.map((place) => parseRef(place)).map(({ partition, offset: at }) => `${partition}:${at}`);
  return {
    source: fromStates ? 'states' : 'events',
    into: shadow ? 'shadow' : 'mirror',
    workspaceId: workspaceId === undefined ? null : opaqueId('tenant', '--workspace-id', workspaceId),
    databaseId: notionIdOption('--database-id', databaseId),
    since: since === undefined ? (places?.join(' ') ?? null) : sinceOption(since, now).toISOString(),
  };
}

export function isSameOrder(a: ReplayOrder, b: ReplayOrder): boolean {
  return (
    a.source === b.source && a.into === b.into && a.workspaceId === b.workspaceId && a.databaseId === b.databaseId && a.since === b.since
  );
}

export function topicOf({ config }: ConfiguredContext, { source }: Pick<ReplayOrder, 'source'>): string {
  const { events, states } = topicsFor(config.topicPrefix);
  return source === 'states' ? states : events;
}

/** What is to be read: from where the order says to what lies on the log now. Partitions that `--offset` does not name are not read. */
export async function rangesOf(context: ConfiguredContext, order: ReplayOrder): Promise<ReplayRange[]> {
  const topic = topicOf(context, order);
  const kafka = kafkaOf(context);
  const ranges = await rangesOn(kafka, topic);
  if (ranges === null) throw new CliError('no_topic', `there is no topic ${topic}`, { remedy: 'mirror init' });
  const beginnings = order.since === null ? null : await beginningsOf(kafka, topic, order.since);
  return ranges.flatMap(({ partition, from, to }) => {
    const wanted = beginnings === null ? Number(from) : beginnings.get(partition);
    if (wanted === undefined) return [];
    const first = Math.max(wanted, Number(from));
    return first >= Number(to) ? [] : [{ partition, from: first, to: Number(to), next: first }];
  });
}

async function beginningsOf(kafka: Kafka, topic: string, since: string): Promise<Map<number, number>> {
  if (since.includes('T')) {
    const found = await withAdmin(kafka, (admin) => admin.fetchTopicOffsetsByTimestamp(topic, new Date(since).getTime()));
    return new Map(found.map(({ partition, offset }) => [partition, Number(offset)]));
  }
  return new Map(
    since
      .split(' ')
      .map((place) => parseRef(place))
      .map(({ partition, offset }) => [partition, Number(offset)]),
  );
}
