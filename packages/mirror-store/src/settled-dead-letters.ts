import type { Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';

/** A dead letter's place and time of writing, in milliseconds since the epoch: a recreated topic restarts at offset 0. */
export interface LetterPlace {
  readonly partition: number;
  readonly offset: bigint;
  readonly timestamp: number;
}

export interface Settlement {
  readonly action: 'redriven' | 'dropped';
  readonly at: Date;
}

/**
 * Markers of dead letters that an operator has settled. The letters themselves stay on the topic, which allows no removal from the middle. All
 * reject with a `StoreUnavailableError` when MongoDB is unavailable.
 */
export interface SettledDeadLetters {
  /** The settled ones of `letters`, by `placeKey`. */
  find(letters: readonly LetterPlace[]): Promise<ReadonlyMap<string, Settlement>>;
  settle(letters: readonly LetterPlace[], settlement: Settlement & { readonly expiresAt: Date }): Promise<void>;
  /** The number of settled letters from an offset on. */
  count(partition: number, from: bigint): Promise<number>;
  /** Deletes the markers of letters below an offset, which are gone. */
  forget(partition: number, below: bigint): Promise<void>;
}

interface SettledDocument {
  readonly _id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: Date;
  readonly action: Settlement['action'];
  readonly at: Date;
  readonly expiresAt: Date;
}

export function placeKey({ partition, offset }: Pick<LetterPlace, 'partition' | 'offset'>): string {
  return `${partition}:${offset}`;
}

export function createSettledDeadLetters(db: Db, topic: string): SettledDeadLetters {
  const settled = openCollection<SettledDocument>(db, 'settledDeadLetters');
  const idOf = (letter: LetterPlace) => `${topic}:${placeKey(letter)}`;

  return {
    async find(letters) {
      const wanted = new Map(letters.map((letter) => [idOf(letter), letter]));
      const found = await orUnavailable('settled dead letters could not be read', () =>
        settled.find({ _id: { $in: [...wanted.keys()] } }).toArray(),
      );
      return new Map(
        found.flatMap(({ _id, timestamp, action, at }): [string, Settlement][] => {
          const letter = wanted.get(_id);
          return letter?.timestamp === timestamp.getTime() ? [[placeKey(letter), { action, at }]] : [];
        }),
      );
    },
    async settle(letters, { action, at, expiresAt }) {
      if (letters.length === 0) return;
      const writes = letters.map((letter) => {
        const { partition, offset, timestamp } = letter;
        const replacement = { topic, partition, offset: Number(offset), timestamp: new Date(timestamp), action, at, expiresAt };
        return { replaceOne: { filter: { _id: idOf(letter) }, replacement, upsert: true } };
      });
      await orUnavailable('dead letters could not be marked as settled', () => settled.bulkWrite(writes, { ordered: false }));
    },
    count: (partition, from) =>
      orUnavailable('settled dead letters could not be counted', () =>
        settled.countDocuments({ topic, partition, offset: { $gte: Number(from) } }),
      ),
    async forget(partition, below) {
      await orUnavailable('settled dead letters could not be deleted', () =>
        settled.deleteMany({ topic, partition, offset: { $lt: Number(below) } }),
      );
    },
  };
}
