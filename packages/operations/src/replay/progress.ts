import type { LogRange } from '@notion-mirror/event-log/range-reader';
import type { Replay, ReplayRange, Replays } from '@notion-mirror/mirror-store/replays';
import { OperatorError } from '../operator-error.ts';

/** How far a running replay is. Stored once a second, so what a crash repeats is a second's work. */
export interface ReplayProgress {
  readonly counts: Readonly<Record<string, number>>;
  /** Aborts when the replay is cancelled, or the operator stops it. */
  readonly signal: AbortSignal;
  count(counts: Readonly<Record<string, number>>): void;
  /** Everything of the partition below `offset` is done. */
  reached(topic: string, partition: number, offset: number): void;
  /** Where the reading of each partition goes on. */
  left(topic: string): readonly LogRange[];
  /** Stores the end. Rejects when it was cancelled. */
  finish(): Promise<void>;
  /** Stores how far it is. */
  close(): Promise<void>;
}

const saveMs = 1_000;

/** What is left to read of a topic. */
export function unread(ranges: readonly ReplayRange[], topic: string): readonly LogRange[] {
  return ranges
    .filter((range) => (range.topic ?? topic) === topic)
    .map(({ partition, next, to }) => ({ partition, from: BigInt(next), to: BigInt(to) }));
}

export function trackReplay(options: {
  readonly replay: Replay;
  readonly replays: Pick<Replays, 'save'>;
  readonly signal: AbortSignal;
  readonly onSaved: () => void;
}): ReplayProgress {
  const { replay, replays, onSaved } = options;
  const lost = new AbortController();
  const ranges = replay.ranges.map((range) => ({ ...range }));
  const counts: Record<string, number> = { ...replay.counts };
  let saving: Promise<void> = Promise.resolve();

  async function save(status: 'running' | 'done'): Promise<void> {
    if (await replays.save(replay.id, ranges, counts, status)) return;
    throw new OperatorError('cancelled', 'the replay was cancelled, or another process goes on with it', {
      remedy: 'mirror replay status',
    });
  }
  async function saveAfter(before: Promise<void>): Promise<void> {
    await before;
    try {
      await save('running');
      onSaved();
    } catch (error) {
      // MongoDB may be away for a moment: the replay itself then says so.
      if (error instanceof OperatorError) lost.abort(error);
    }
  }
  const timer = setInterval(() => {
    saving = saveAfter(saving);
  }, saveMs);

  return {
    counts,
    signal: AbortSignal.any([options.signal, lost.signal]),
    count(more) {
      for (const [word, number] of Object.entries(more)) counts[word] = (counts[word] ?? 0) + number;
    },
    reached(topic, partition, offset) {
      const range = ranges.find((one) => (one.topic ?? topic) === topic && one.partition === partition);
      if (range !== undefined) range.next = Math.max(range.next, offset);
    },
    left: (topic) => unread(ranges, topic),
    async finish() {
      clearInterval(timer);
      await saving;
      for (const range of ranges) range.next = range.to;
      await save('done');
    },
    async close() {
      clearInterval(timer);
      await saving;
      await save('running').catch(() => {});
    },
  };
}
