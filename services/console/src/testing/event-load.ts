import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { silent } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { outcomeOf } from '@notion-mirror/mirror-store/event-outcomes';
import { createOutcomeKeeper } from '@notion-mirror/mirror-store/outcome-keeper';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { TestConsole } from './test-console.ts';

export interface EventLoad {
  /** How many events have been appended. */
  sent(): number;
  stop(): Promise<void>;
}

const tickMs = 50;

/** Appends events to the log and, as workers do, writes their outcomes; some are late. */
export async function startEventLoad(
  { log, mongo }: Pick<TestConsole, 'log' | 'mongo'>,
  { perSecond, tenants }: { readonly perSecond: number; readonly tenants: readonly string[] },
): Promise<EventLoad> {
  const metrics = new Registry();
  const { events: topic, eventsSubject: subject } = topicsFor(log.prefix);
  const codec = await createEventCodec({ schemaRegistry: log.schemaRegistry, subject });
  const publisher = await createPublisher({ kafka: log.kafka, logger: silent, metrics, deadlineMs: 30_000 });
  const keeper = createOutcomeKeeper({ db: mongo.db, retentionMs: 3_600_000, logger: silent, metrics });
  let sent = 0;

  async function send(n: number): Promise<void> {
    const workspaceId = tenants[n % tenants.length] ?? '';
    const databaseId = `0000000d-0000-4000-8000-${String(n % 500).padStart(12, '0')}`;
    const event = {
      eventId: `load-${n}`,
      kind: 'sync',
      type: 'database.content_updated',
      workspaceId,
      connectionId: `of-${workspaceId}`,
      providerConfigKey: 'notion',
      notionWorkspaceId: 'n1',
      databaseId,
      dataSourceId: null,
      pageId: null,
      occurredAt: new Date(),
      receivedAt: new Date(),
      origin: 'nango',
    } as const;
    await publisher.publish(toRecord({ topic, event, codec }));
    const place = { partition: 0, offset: BigInt(n), timestamp: Date.now() };
    keeper.keep({
      ...outcomeOf('sync-worker', event, place),
      outcome: n % 9 === 0 ? 'unchanged' : 'written',
      reason: null,
      at: new Date(),
    });
    sent += 1;
  }

  let next = 0;
  const timer = setInterval(() => {
    for (let n = 0; n < (perSecond * tickMs) / 1000; n += 1) {
      send(next).catch(() => {});
      next += 1;
    }
  }, tickMs);
  return {
    sent: () => sent,
    async stop() {
      clearInterval(timer);
      await keeper.stop();
      await publisher.stop();
    },
  };
}
