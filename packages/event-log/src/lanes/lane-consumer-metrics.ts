import type { Registry } from '@notion-mirror/service-kit/metrics';
import type { Failure } from '@notion-mirror/domain/failure';
import type { LaneBacklog } from './lane.ts';
import type { SchedulerLoad, SchedulerObserver } from './lane-scheduler.ts';
import type { Outcome } from './work.ts';
import type { PartitionState } from './assignments.ts';
import { sharedCounter, sharedGauge, sharedHistogram } from '@notion-mirror/service-kit/shared-metrics';

export interface ConsumerMetrics extends SchedulerObserver {
  consumed(records: number): void;
  committed(result: 'ok' | 'failed' | 'fenced'): void;
  readonly lateCompletion: () => void;
  readonly skipped: (records: number) => void;
  rebalanced(): void;
  crashed(): void;
  /** Sets the gauges. */
  sample(load: SchedulerLoad, partitions: readonly PartitionState[], backlog: readonly LaneBacklog[]): void;
}

/** How many lanes with the longest waits a metric names, and only if they wait for longer than this. */
export const namedLanes = 10;
const namedAfterMs = 60_000;

/** Metrics of one consumer group of one process. Tenants are too many to be labels, except for the few that wait longest. */
export function createConsumerMetrics(registry: Registry, group: string): ConsumerMetrics {
  const counter = <L extends string>(name: string, help: string, labels: readonly L[] = []) =>
    sharedCounter(registry, `notion_mirror_${name}`, help, ['group', ...labels]);
  const gauge = <L extends string>(name: string, help: string, labels: readonly L[] = []) =>
    sharedGauge(registry, `notion_mirror_${name}`, help, ['group', ...labels]);

  const consumed = counter('consumed_records_total', 'Records taken from the log.');
  const passed = counter('passed_records_total', 'Records of no concern to the group.');
  const handled = counter('handled_records_total', 'Records that were handled, by outcome.', ['outcome']);
  const coalesced = counter(
    'coalesced_records_total',
    'Records that needed no call of their own: they were handled together with a later one.',
  );
  const retries = counter('retries_total', 'Calls of the handler, and routings, to be retried.');
  const deadLetters = counter('dead_letters_total', 'Records that became dead letters, by cause.', ['class', 'code']);
  const commits = counter('offset_commits_total', 'Offset commits. fenced: the group had moved on; another member repeats the work.', [
    'result',
  ]);
  const late = counter('late_completions_total', 'Records completed after their partition was revoked: another member repeats them.');
  const skipped = counter(
    'skipped_offsets_total',
    'Offsets that were removed from the log before they were read. Happens only if retention is too short.',
  );
  const rebalances = counter('rebalances_total', 'Assignments of partitions to this member.');
  const crashes = counter('consumer_crashes_total', 'Restarts of the Kafka client.');
  const running = gauge('running_handlers', 'Calls of the handler in flight.');
  const waiting = gauge('waiting_records', 'Records taken from the log that wait for their turn, a retry or their dead letter.');
  const runnable = gauge(
    'consumer_runnable_records',
    'Of the waiting records, those that only wait for their turn, not for a rate budget or a retry: more processes would help.',
  );
  const lanes = gauge('lanes', 'Tenants with records in the process.');
  const assigned = gauge('assigned_partitions', 'Partitions assigned to this member.');
  const paused = gauge('paused_partitions', 'Partitions that are not read because too many of their records wait.');
  const lagRecords = gauge('lag_records', 'Records between the end of a partition and the offset that may be committed.', ['partition']);
  const lagSeconds = gauge('lag_seconds', 'Age of the oldest unfinished record of a partition.', ['partition']);
  const oldest = gauge('oldest_event_seconds', 'Age of the oldest record without an outcome; 0 when there is none.');
  const oldestOfLane = gauge(
    'tenant_oldest_event_seconds',
    'Age of the oldest record without an outcome, for the ten tenants that wait longest, only above a minute.',
    ['workspace'],
  );
  const seconds = sharedHistogram(
    registry,
    'notion_mirror_handle_seconds',
    'One call of the handler.',
    ['group', 'outcome'],
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  );
  let sampled = new Set<number>();
  let named: readonly string[] = [];

  return {
    consumed: (records) => consumed.inc({ group }, records),
    passed: () => passed.inc({ group }),
    handled(outcome: Outcome['kind'] | 'threw', items, milliseconds) {
      handled.inc({ group, outcome }, items);
      seconds.observe({ group, outcome }, milliseconds / 1000);
      if (outcome === 'done' && items > 1) coalesced.inc({ group }, items - 1);
    },
    retried: () => retries.inc({ group }),
    deadLettered: (failure: Failure) => deadLetters.inc({ group, class: failure.class, code: failure.code }),
    committed: (result) => commits.inc({ group, result }),
    lateCompletion: () => late.inc({ group }),
    skipped: (records) => skipped.inc({ group }, records),
    rebalanced: () => rebalances.inc({ group }),
    crashed: () => crashes.inc({ group }),

    sample(load, partitions, backlog) {
      running.set({ group }, load.running);
      waiting.set({ group }, load.waiting);
      runnable.set({ group }, load.runnable);
      lanes.set({ group }, load.lanes);
      assigned.set({ group }, partitions.length);
      paused.set({ group }, partitions.filter((partition) => partition.paused).length);
      const now = Date.now();
      for (const { partition, lagRecords: records, oldestTimestamp } of partitions) {
        if (records !== null) lagRecords.set({ group, partition }, Number(records));
        lagSeconds.set({ group, partition }, oldestTimestamp === null ? 0 : Math.max(0, now - oldestTimestamp) / 1000);
      }
      const ages = partitions.map(({ oldestTimestamp }) => (oldestTimestamp === null ? 0 : now - oldestTimestamp));
      oldest.set({ group }, Math.max(0, ...ages) / 1000);
      const waitsLong = backlog
        .toSorted((a, b) => a.oldestAt - b.oldestAt)
        .slice(0, namedLanes)
        .filter(({ oldestAt }) => now - oldestAt > namedAfterMs);
      for (const lane of named) if (!waitsLong.some((one) => one.lane === lane)) oldestOfLane.remove({ group, workspace: lane });
      for (const { lane, oldestAt } of waitsLong) oldestOfLane.set({ group, workspace: lane }, (now - oldestAt) / 1000);
      named = waitsLong.map(({ lane }) => lane);
      const current = new Set(partitions.map(({ partition }) => partition));
      for (const partition of sampled) {
        if (current.has(partition)) continue;
        lagRecords.remove({ group, partition });
        lagSeconds.remove({ group, partition });
      }
      sampled = current;
    },
  };
}
