import { createHash } from 'node:crypto';
import { firstPlaceOf } from '@notion-mirror/event-log/dead-letters';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { openOutcomePages } from '@notion-mirror/mirror-store/outcome-pages';
import { createCauses, type Causes } from './causes.ts';
import type { DeadLetterTopic, Letter } from './topic.ts';

/** What becomes of redriven letters: whether their events have ended, or are dead letters again. */
export interface CameBackWatch {
  /** Before the letter is redriven. */
  add(letter: Letter): void;
  /** Reads what is new on the topic and among the outcomes. Rejects as these do. */
  look(): Promise<void>;
  /** Letters that came back so far. */
  readonly causes: Causes;
  /** Letters of which nothing is known yet. */
  readonly pending: number;
}

/** An outcome's time is by the clock of a worker. */
const clockMs = 5_000;
/** For one query. */
const mostAsked = 1_000;

/** `ends`: the ends of the topic before the first letter was redriven. */
export function watchCameBack(
  db: Mongo['db'],
  topic: Pick<DeadLetterTopic, 'ends' | 'read'>,
  ends: readonly { readonly partition: number; readonly offset: number }[],
): CameBackWatch {
  const outcomes = openOutcomePages(db);
  const next = new Map(ends.map(({ partition, offset }) => [partition, BigInt(offset)]));
  const names = new Set<string>();
  /** The letters' names, with the ids of their events. */
  const pending = new Map<string, string | null>();
  const causes = createCauses();
  let since = new Date();

  async function readNew(): Promise<void> {
    const ranges = (await topic.ends()).map(({ partition, from, to }) => {
      const known = next.get(partition) ?? from;
      return { partition, from: known > from ? known : from, to };
    });
    await topic.read(ranges, async (letters) => {
      for (const letter of letters) {
        const name = nameOf(letter);
        if (!names.has(name)) continue;
        causes.add(letter, false);
        pending.delete(name);
      }
      return Promise.resolve('more');
    });
    for (const { partition, to } of ranges) next.set(partition, to);
  }

  async function readOutcomes(): Promise<void> {
    const events = [...pending.values()].filter((id) => id !== null);
    if (events.length === 0 || events.length > mostAsked) return;
    const ended = await outcomes.ended(events, since);
    for (const [name, eventId] of pending) if (eventId !== null && ended.has(eventId)) pending.delete(name);
  }

  return {
    causes,
    get pending() {
      return pending.size;
    },
    add(letter) {
      const name = nameOf(letter);
      names.add(name);
      // A webhook that is still unreadable is on the topic again before the ingress answers.
      if (letter.redrive.to === 'log') pending.set(name, letter.eventId);
      const at = (letter.settlement?.at.getTime() ?? Date.now()) - clockMs;
      if (at < since.getTime()) since = new Date(at);
    },
    async look() {
      await readNew();
      await readOutcomes();
    },
  };
}

/** The same for a letter and the one that it is when it comes back. */
function nameOf({ record }: Letter): string {
  return (
    firstPlaceOf(record) ??
    createHash('sha256')
      .update(record.value ?? '')
      .digest('base64')
  );
}
