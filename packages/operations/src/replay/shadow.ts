import { setTimeout as delay } from 'node:timers/promises';
import { keyOf, type EntityKind, type EntityRef } from '@notion-mirror/domain/entity';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { removalsKeptMs } from '@notion-mirror/event-log/topics';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { openShadow, type Shadow, type ShadowDifference } from '@notion-mirror/mirror-store/records/shadow';
import type { Replay, ReplayRange, Replays } from '@notion-mirror/mirror-store/replays';
import { lastSnapshotOf } from '@notion-mirror/mirror-store/state-log-progress';
import type { OperationContext } from '../operation-context.ts';
import { appendOperatorSyncs } from '../operator-events.ts';
import { OperatorError } from '../operator-error.ts';
import { mongoLayoutOf } from '../servers.ts';
import { activeConnections } from './from-events.ts';
import { replayStates, type OnStates } from './from-states.ts';
import { rangesOf } from './order.ts';
import { unread } from './progress.ts';
import { scanRebuilt } from './scan-rebuilt.ts';

/** Maximum number of differences listed. */
const maxListed = 20;
/** How long to wait until the state log's writer has noticed the switch: another process may have to take over the lease, and every record is read. */
const publisherMs = 60_000;
const pollMs = 250;
/** A transaction's marker reaches the topic shortly after its commit was acknowledged; until then its records are invisible to readers. */
const settlingMs = 1_000;

export interface ShadowComparison {
  readonly shadow: number;
  readonly counts: Readonly<Record<ShadowDifference['kind'], number>>;
  /** The first of them. */
  readonly differences: readonly ShadowDifference[];
}

/** The replay that built the shadow. Throws when the latest replay built none, has not ended, or is too old to be brought up to date. */
export async function finishedShadow(replays: Replays): Promise<Replay> {
  const remedy = 'mirror replay run --from-states --shadow';
  const latest = await replays.latest();
  if (latest?.into !== 'shadow' || latest.status !== 'done')
    throw new OperatorError('no_shadow', 'there is no finished shadow', { remedy });
  if (Date.now() - latest.startedAt.getTime() < removalsKeptMs) return latest;
  const why = 'later removals may no longer be on the state log';
  throw new OperatorError('shadow_too_old', `the shadow was started more than a week ago: ${why}`, { remedy });
}

export async function compareWithShadow(context: OperationContext, db: Mongo['db']): Promise<ShadowComparison> {
  const counts = { only_in_mirror: 0, only_in_shadow: 0, other_content: 0 };
  const differences: ShadowDifference[] = [];
  let records = 0;
  for (const shadow of shadowsOf(context, db)) {
    for await (const difference of shadow.differences()) {
      context.signal.throwIfAborted();
      counts[difference.kind] += 1;
      if (differences.length < maxListed) differences.push(difference);
    }
    records += await shadow.count();
  }
  return { shadow: records, counts, differences };
}

function shadowsOf({ entities }: OperationContext, db: Mongo['db']): Shadow[] {
  return entities.map(({ storage }) => openShadow(db, storage));
}

/** Writes states appended to the state log since `replay` into the shadow. Resolves to the updated replay. */
export async function catchUpShadow(context: OperationContext, db: Mongo['db'], replay: Replay): Promise<Replay> {
  const ranges = await since(context, replay);
  await apply(context, db, { ...replay, ranges }, 'shadow');
  const reached = new Set(ranges.map(placeOf));
  const untouched = replay.ranges.filter((range) => !reached.has(placeOf(range)));
  return { ...replay, ranges: [...untouched, ...ranges].map((range) => ({ ...range, next: range.to })) };
}

function placeOf({ topic, partition }: ReplayRange): string {
  return `${topic} ${partition}`;
}

/**
 * Replaces the mirror by the shadow, in one step per kind of entity. Nothing is lost: writes by workers up to that step are on the state log or follow once its
 * writer has noticed the switch, and are then restored into the new mirror. Resolves to whether the writer has noticed it: false when no sync-worker runs.
 */
export async function switchToShadow(context: OperationContext, db: Mongo['db'], replay: Replay): Promise<boolean> {
  const { onProgress, signal } = context;
  const caughtUp = await catchUpShadow(context, db, replay);
  const switches: { readonly topic: string; readonly at: Awaited<ReturnType<Shadow['putInPlace']>> }[] = [];
  for (const { storage, states } of context.entities) {
    const { topic } = stateLogOf(context.config.topicPrefix, states);
    switches.push({ topic, at: await openShadow(db, storage).putInPlace() });
  }
  await initMongo(db, mongoLayoutOf(context));
  await scanRebuilt(context, db, null);
  onProgress('the shadow is in place; waiting for the last writes before the switch');
  const deadline = Date.now() + publisherMs;
  let isNoticed = false;
  while (!isNoticed && Date.now() < deadline) {
    await delay(pollMs, undefined, { signal });
    const noticed = switches.map(async ({ topic, at }) => (await lastSnapshotOf(db, topic))?.greaterThanOrEqual(at) ?? false);
    isNoticed = (await Promise.all(noticed)).every(Boolean);
  }
  await delay(settlingMs, undefined, { signal });
  await bringLastMoment(context, db, caughtUp);
  return isNoticed;
}

/**
 * Writes states appended to the state log after `replay` into the mirror, and has the workers fetch those entities again: the new mirror did not
 * show them until now, so a worker that looked up the database of a data source did not find them. Resolves to the number of entities to fetch.
 */
export async function bringLastMoment(context: OperationContext, db: Mongo['db'], replay: Replay): Promise<number> {
  const written = new Map<string, EntityRef & { readonly kind: EntityKind }>();
  await apply(context, db, { ...replay, ranges: await since(context, replay) }, 'mirror', (kind, values) => {
    for (const { state } of values) {
      const { workspaceId, id } = state;
      if (state.kind === 'live') written.set(`${kind.name} ${keyOf(state)}`, { kind, workspaceId, id });
    }
  });
  const connections = await activeConnections(db);
  const requests = [...written.values()].flatMap(({ kind, workspaceId, id }) => {
    const connection = connections.get(workspaceId);
    return connection === undefined ? [] : [{ connection, kind, id }];
  });
  return requests.length === 0 ? 0 : appendOperatorSyncs(context, 'mirror.replay', requests);
}

/** The ranges appended after a replay, including partitions that were empty then. */
async function since(context: OperationContext, replay: Replay): Promise<ReplayRange[]> {
  const ends = new Map(replay.ranges.map((range) => [placeOf(range), range.to]));
  const all = await rangesOf(context, replay);
  return all
    .map((range) => {
      const from = Math.max(range.from, ends.get(placeOf(range)) ?? range.from);
      return { ...range, from, next: from };
    })
    .filter(({ from, to }) => from < to);
}

async function apply(context: OperationContext, db: Mongo['db'], replay: Replay, into: Replay['into'], onStates?: OnStates): Promise<void> {
  await replayStates(
    context,
    db,
    { ...replay, into },
    {
      signal: context.signal,
      left: (topic) => unread(replay.ranges, topic),
      count: () => {},
      reached: () => {},
    },
    onStates,
  );
}
