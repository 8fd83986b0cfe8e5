import { readDeadLetter, type DeadLetterFacts } from '@notion-mirror/event-log/dead-letters';
import type { LogRecord } from '@notion-mirror/event-log/log-record';
import { rangesOn, readRanges, truncate, type LogRange } from '@notion-mirror/event-log/range-reader';
import { deadLetterRetentionMs, readerGroupId, topicsFor } from '@notion-mirror/event-log/topics';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createSettledDeadLetters, placeKey, type Settlement } from '@notion-mirror/mirror-store/settled-dead-letters';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { askKafka, kafkaOf } from '../servers.ts';

/** A dead letter and its settlement: null when it still waits. */
export interface Letter extends DeadLetterFacts {
  readonly record: LogRecord;
  readonly settlement: Settlement | null;
}

/** The dead-letter topic, with the settlements from MongoDB. All reject with an OperatorError when Kafka cannot be used. */
export interface DeadLetterTopic {
  readonly topic: string;
  /** The ranges of the topic's current records. */
  ends(): Promise<LogRange[]>;
  /** Passes every letter of the ranges in order, in chunks. `enough` ends reading of the chunk's partition. */
  read(ranges: readonly LogRange[], onLetters: (letters: readonly Letter[]) => Promise<'more' | 'enough'>): Promise<void>;
  settle(letters: readonly Letter[], action: Settlement['action']): Promise<void>;
  /** Removes the settled letters at the old end of the ranges, up to the first waiting one. Resolves to their number. */
  removeSettled(ranges: readonly LogRange[]): Promise<number>;
}

/** Kafka deletes segments later than the retention of their letters; a marker that expired too early would show a letter again. */
const expiryMarginMs = 30 * 24 * 60 * 60 * 1000;

export function openDeadLetterTopic(context: OperationContext, db: Mongo['db']): DeadLetterTopic {
  const { config, signal } = context;
  const topic = topicsFor(config.topicPrefix).deadLetters;
  const kafka = kafkaOf(context);
  const store = createSettledDeadLetters(db, topic);

  const read: DeadLetterTopic['read'] = async (ranges, onLetters) =>
    askKafka(context, () =>
      readRanges({
        kafka,
        topic,
        groupId: readerGroupId(config.topicPrefix),
        ranges,
        signal,
        async onRecords(records) {
          const settled = await store.find(records);
          return onLetters(
            records.map((record) => ({ ...readDeadLetter(record), record, settlement: settled.get(placeKey(record)) ?? null })),
          );
        },
      }),
    );

  return {
    topic,
    read,

    async ends() {
      const ranges = await askKafka(context, () => rangesOn(kafka, topic));
      if (ranges === null) throw new OperatorError('no_topic', `there is no topic ${topic}`, { remedy: 'mirror init' });
      return ranges;
    },

    async settle(letters, action) {
      const at = new Date();
      const keptMs = deadLetterRetentionMs({ retentionMs: config.retentionMs }) + expiryMarginMs;
      await store.settle(letters, { action, at, expiresAt: new Date(at.getTime() + keptMs) });
    },

    async removeSettled(ranges) {
      const firstWaiting = new Map<number, bigint>();
      await read(ranges, async (letters) => {
        const waiting = letters.find(({ settlement }) => settlement === null);
        if (waiting === undefined) return 'more';
        firstWaiting.set(waiting.partition, waiting.offset);
        return 'enough';
      });
      const cuts = ranges
        .map(({ partition, from, to }) => ({ partition, from, offset: firstWaiting.get(partition) ?? to }))
        .filter(({ from, offset }) => offset > from);
      await askKafka(context, () => truncate(kafka, topic, cuts));
      for (const { partition, offset } of cuts) await store.forget(partition, offset);
      return cuts.reduce((sum, { from, offset }) => sum + Number(offset - from), 0);
    },
  };
}
