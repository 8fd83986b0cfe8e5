import { databaseKind } from '@notion-mirror/domain/entities/database';
import { withAdmin } from '@notion-mirror/event-log/kafka-client';
import { rangesOn } from '@notion-mirror/event-log/range-reader';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { topicsFor } from '@notion-mirror/event-log/topics';
import type { ReplayOrder, ReplayRange } from '@notion-mirror/mirror-store/replays';
import { parsePlace } from '../log-place.ts';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { kafkaOf, type Kafka } from '../servers.ts';

export function isSameOrder(a: ReplayOrder, b: ReplayOrder): boolean {
  return (
    a.source === b.source && a.into === b.into && a.workspaceId === b.workspaceId && a.databaseId === b.databaseId && a.since === b.since
  );
}

/** The topics that a replay reads: of one database, those of its states and of what is in it. */
export function topicsOf(context: OperationContext, { source, databaseId }: Pick<ReplayOrder, 'source' | 'databaseId'>): string[] {
  const { config, entities } = context;
  if (source === 'events') return [topicsFor(config.topicPrefix).events];
  const read =
    databaseId === null ? entities : entities.filter(({ states, databaseOf }) => states.kind === databaseKind || databaseOf !== undefined);
  return read.map(({ states }) => stateLogOf(config.topicPrefix, states).topic);
}

/** The ranges to read: from the start in the order to the current end of the log. Partitions not named by `--offset` are not read. */
export async function rangesOf(context: OperationContext, order: ReplayOrder): Promise<ReplayRange[]> {
  return (await Promise.all(topicsOf(context, order).map(async (topic) => rangesOfTopic(context, order, topic)))).flat();
}

async function rangesOfTopic(context: OperationContext, order: ReplayOrder, topic: string): Promise<ReplayRange[]> {
  const kafka = kafkaOf(context);
  const ranges = await rangesOn(kafka, topic);
  if (ranges === null) throw new OperatorError('no_topic', `there is no topic ${topic}`, { remedy: 'mirror init' });
  const beginnings = order.since === null ? null : await beginningsOf(kafka, topic, order.since);
  return ranges.flatMap(({ partition, from, to }) => {
    const wanted = beginnings === null ? Number(from) : beginnings.get(partition);
    if (wanted === undefined) return [];
    const first = Math.max(wanted, Number(from));
    return first >= Number(to) ? [] : [{ topic, partition, from: first, to: Number(to), next: first }];
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
      .flatMap((place) => parsePlace(place) ?? [])
      .map(({ partition, offset }) => [partition, Number(offset)]),
  );
}
