import type { LogRange } from '@notion-mirror/event-log/range-reader';
import type { Replay, ReplayRange, Replays } from '@notion-mirror/mirror-store/replays';
import { OperatorError } from '../operator-error.ts';

/** The progress of a running replay. Stored once a second, so a crash repeats about one second of work. */
export interface ReplayProgress {
  readonly counts: Readonly<Record<string, number>>;
  /** Aborts when the replay is cancelled or taken over, or the operator stops it. */
  readonly signal: AbortSignal;
  count(counts: Readonly<Record<string, number>>): void;
  /** Marks everything below `offset` in the partition as done. */
  reached(topic: string, partition: number, offset: number): void;
  /** The ranges of the topic that are still to be read. */
  left(topic: string): readonly LogRange[];
  /** Stores that the replay is done. Rejects when it was cancelled. */
  finish(): Promise<void>;
  /** Stores the current progress and stops the timer. Never rejects. */
  close(): Promise<void>;
}

const saveMs = 1_000;

/** The ranges of a topic that are still to be read. */
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
    throw new OperatorError('cancelled', 'the replay was cancelled, or another process has taken it over', {
      remedy: 'mirror replay status',
    });
  }
  async function saveAfter(before: Promise<void>): Promise<void> {
    await before;
    try {
      await save('running');
      onSaved();
    } catch (error) {
      // MongoDB may be briefly unavailable; the replay's own reads and writes report that.
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
      for (const [name, number] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + number;
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
