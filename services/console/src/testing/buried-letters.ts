import { randomUUID } from 'node:crypto';
import { deadLetterRecord } from '@notion-mirror/event-log/dead-letters';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { silent, type isolatedLog } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { Registry } from '@notion-mirror/service-kit/metrics';

export interface Buried {
  readonly eventId: string;
  readonly offset: number;
  readonly tenant: string;
}

/** Writes dead letters of a sync-worker, and what becomes of them. For tests. */
export interface Undertaker {
  /** One for each number: of the record at that offset. Resolves when they are durable. */
  bury(offsets: readonly number[], change?: { readonly tenant?: string; readonly code?: string }): Promise<Buried[]>;
  /** Webhooks that an ingress could not read, by their bodies. */
  buryWebhooks(bodies: readonly string[], code: string): Promise<void>;
  /** As a worker does that fails again. */
  buryAgain(letters: readonly Buried[]): Promise<void>;
  /** As a worker does that handles it. */
  handle(letters: readonly Buried[]): Promise<void>;
  stop(): Promise<void>;
}

export async function createUndertaker(log: ReturnType<typeof isolatedLog>, db: Mongo['db']): Promise<Undertaker> {
  const publisher = await createPublisher({ kafka: log.kafka, logger: silent, metrics: new Registry(), deadlineMs: 30_000 });
  const topics = topicsFor(log.prefix);

  async function put({ eventId, offset, tenant }: Buried, code: string, headers: Readonly<Record<string, string>>): Promise<void> {
    const failedAt = new Date();
    const record = {
      topic: topics.events,
      partition: 0,
      offset: BigInt(offset),
      timestamp: failedAt.getTime(),
      key: Buffer.from(tenant),
      value: Buffer.from(`event ${offset}`),
      headers: { ce_id: eventId, ce_type: 'database.created', ...headers },
    };
    const failure = { class: 'poison', code, message: 'bad bytes' } as const;
    const about = { attempts: 1, firstFailedAt: failedAt, failedAt, service: 'sync-worker', group: 'g' };
    await publisher.publish(deadLetterRecord({ topic: topics.deadLetters, record, failure, ...about }));
  }

  return {
    async bury(offsets, { tenant = 'acme', code = 'undecodable' } = {}) {
      const letters = offsets.map((offset) => ({ eventId: randomUUID(), offset, tenant }));
      for (const letter of letters) await put(letter, code, {});
      return letters;
    },
    async buryWebhooks(bodies, code) {
      const headers = { 'dlq.error.class': 'unreadable', 'dlq.error.code': code, 'dlq.service': 'ingress', 'dlq.route': 'nango' };
      for (const body of bodies) await publisher.publish({ topic: topics.deadLetters, key: null, value: Buffer.from(body), headers });
    },
    async buryAgain(letters) {
      for (const letter of letters) {
        const first = { 'dlq.original.topic': topics.events, 'dlq.original.partition': '0', 'dlq.original.offset': String(letter.offset) };
        await put({ ...letter, offset: letter.offset + 100_000 }, 'still_undecodable', { ...first, 'dlq.redrives': '1' });
      }
    },
    async handle(letters) {
      // Also for the time when the event is redriven.
      const at = new Date(Date.now() + 3_600_000);
      const documents = letters.map(({ eventId }) => ({ subjects: [eventId], eventId, outcome: 'written', at, receivedAt: at }));
      await db.collection('event_outcomes').insertMany(documents);
    },
    stop: async () => publisher.stop(),
  };
}
