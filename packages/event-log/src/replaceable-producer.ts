import { withDeadline } from '@notion-mirror/service-kit/async/deadline';
import type { Producer } from 'kafkajs';

export type KafkaProducer = Pick<Producer, 'connect' | 'send' | 'disconnect'>;

/**
 * One producer at a time, given up after its first failure. The client's idempotence guards a batch against the client's own retries of it, but
 * after a failed send its sequence numbers cannot be trusted: another batch could pass for the one that failed, acknowledged and dropped.
 */
export interface ReplaceableProducer {
  /** False at first, and after a send that failed. */
  readonly isOpen: boolean;
  /** Connects a new producer. Rejects after the deadline, and while too many that were given up have not ended. */
  open(): Promise<void>;
  /** Rejects when the request fails, and after the deadline: it may succeed all the same. Only while open. */
  send(request: Parameters<Producer['send']>[0]): Promise<void>;
  /** Never rejects. */
  close(): Promise<void>;
}

/** Producers that were given up and still hang. */
const maxHanging = 10;
const disconnectMs = 2_000;

export function createReplaceableProducer(deps: {
  readonly create: () => KafkaProducer;
  readonly deadlineMs: number;
}): ReplaceableProducer {
  const { create, deadlineMs } = deps;
  let producer: KafkaProducer | null = null;
  let hanging = 0;

  /** Disconnects when `inFlight` has ended by the client's own retries, which would open new connections after a disconnect. */
  async function giveUp(old: KafkaProducer, inFlight: Promise<unknown>): Promise<void> {
    hanging += 1;
    await inFlight.catch(() => {});
    await old.disconnect().catch(() => {});
    hanging -= 1;
  }

  async function within(owner: KafkaProducer, work: Promise<unknown>): Promise<void> {
    try {
      await withDeadline(work, { ms: deadlineMs });
    } catch (error) {
      void giveUp(owner, work);
      throw error;
    }
  }

  return {
    get isOpen() {
      return producer !== null;
    },
    async open() {
      if (hanging >= maxHanging) throw new Error(`${hanging} earlier connections hang`);
      const candidate = create();
      await within(candidate, candidate.connect());
      producer = candidate;
    },
    async send(request) {
      if (producer === null) throw new Error('the producer is not open');
      const current = producer;
      try {
        await within(current, current.send(request));
      } catch (error) {
        producer = null;
        throw error;
      }
    },
    async close() {
      if (producer !== null) await withDeadline(producer.disconnect(), { ms: disconnectMs }).catch(() => {});
    },
  };
}
