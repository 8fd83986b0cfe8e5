import type { DatabaseEvent, EventAction } from '@notion-mirror/domain/database-event';
import { createDeadLetterSink } from '@notion-mirror/event-log/dead-letter-sink';
import { createEventRouting } from '@notion-mirror/event-log/event-routing';
import { createLaneConsumer, type Handle, type LaneConsumer, type LogRecord } from '@notion-mirror/event-log/lanes/lane-consumer';
import type { Grouping } from '@notion-mirror/event-log/lanes/work';
import { groupIdFor } from '@notion-mirror/event-log/topics';
import { keepDeadRecord } from '@notion-mirror/mirror-store/outcome-keeper';
import type { Worker } from './run-worker.ts';

/** Creates a consumer of the worker's own events, with one lane for each tenant. `runWorker` runs it. */
export function createWorkerConsumer(
  { service, config, logger, metrics, tracing, scope, kafka, topics, codec, publisher, outcomes }: Worker,
  options: {
    readonly action: EventAction;
    readonly handle: Handle<DatabaseEvent>;
    readonly groups?: Grouping<DatabaseEvent>;
    /** See `createLaneConsumer`; keys are tenants. */
    readonly prepare?: (owned: ((workspaceId: string) => boolean) | null) => Promise<void>;
    /** Called for each record that has become a dead letter. */
    readonly onDead?: (record: LogRecord) => void;
    /** The share of the shutdown time that the consumer may take to finish its work and commit, 0 to 1. */
    readonly stopShare: number;
  },
): LaneConsumer {
  const { action, handle, groups, prepare, onDead, stopShare } = options;
  const group = groupIdFor(config.topicPrefix, service);
  const deadLetter = createDeadLetterSink({
    publisher,
    topic: topics.deadLetters,
    service,
    group,
    tracing,
    logger,
    listener: { codec, onDead: (dead) => keepDeadRecord(outcomes, service, dead) },
  });
  const consumer = createLaneConsumer<DatabaseEvent>({
    kafka,
    groupId: group,
    topic: topics.events,
    logger,
    metrics,
    route: createEventRouting(codec, action),
    handle,
    groups,
    async deadLetter(record, failure, context) {
      await deadLetter(record, failure, context);
      onDead?.(record);
    },
    ...(prepare === undefined ? {} : { prepare }),
    beforeCommit: () => outcomes.flush(),
  });
  scope.onStop('consumer', () => consumer.stop({ deadlineMs: config.shutdownMs * stopShare }));
  return consumer;
}
