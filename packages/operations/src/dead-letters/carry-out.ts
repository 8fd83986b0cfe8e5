import { redrivenRecord } from '@notion-mirror/event-log/dead-letters';
import type { Publisher } from '@notion-mirror/event-log/publisher';
import { refOf } from './filter.ts';
import type { Destinations, Plan } from './plan.ts';
import type { DeadLetterTopic, Letter } from './topic.ts';
import { messageOf } from '../error-text.ts';

/** Progress of a plan. Letters not counted here still wait, unchanged. */
export interface Progress {
  /** Redriven or dropped, and marked as settled. */
  done: number;
  /** Of these, the number of webhooks by the ingress's answer. */
  readonly words: Map<string, number>;
  /** Webhooks that are still unreadable: each is on the topic as a new letter, and the old one is settled. */
  unreadable: number;
  /** Settled by another command meanwhile. */
  settledMeanwhile: number;
  /** Letters refused as they are. */
  readonly stayed: { readonly ref: string; readonly why: string }[];
  /** Why it stopped early. */
  failure: string | null;
}

export function newProgress(): Progress {
  return { done: 0, words: new Map(), unreadable: 0, settledMeanwhile: 0, stayed: [], failure: null };
}

/** The number of a plan's letters that are still unchanged. */
export function remainingOf({ refs }: Pick<Plan, 'refs'>, { done, unreadable, settledMeanwhile }: Progress): number {
  return refs.size - done - unreadable - settledMeanwhile;
}

/**
 * Carries a plan out and counts in `progress`. A letter is marked as settled once its record is durable, so a crash in between redrives it
 * twice, which the write rule makes harmless. Stops at the first failure that would affect the next letter too. Rejects when the letters
 * cannot be read or marked; `progress` is still accurate then.
 */
export async function carryOut(
  plan: Pick<Plan, 'action' | 'ranges' | 'refs'>,
  progress: Progress,
  deps: {
    readonly letters: DeadLetterTopic;
    readonly destinations: Destinations;
    readonly publisher: Publisher | null;
    readonly signal: AbortSignal;
    readonly onProgress: () => void;
    /** Hands letters over in parts, in their order, when they may go; some of them, or none, once it is to stop. Default: all at once. */
    readonly pace?: (waiting: readonly Letter[]) => AsyncIterable<readonly Letter[]>;
    /** Each letter of the plan that is found, before it is settled. */
    readonly onLetter?: (letter: Letter) => void;
  },
): Promise<void> {
  const { letters, destinations, publisher, signal, onProgress, pace = atOnce, onLetter } = deps;
  const action = plan.action === 'drop' ? 'dropped' : 'redriven';

  await letters.read(plan.ranges, async (batch) => {
    if (progress.failure !== null) return 'enough';
    const chosen = batch.filter((letter) => plan.refs.has(refOf(letter)));
    const waiting = chosen.filter(({ settlement }) => settlement === null);
    progress.settledMeanwhile += chosen.length - waiting.length;
    if (onLetter !== undefined) chosen.forEach(onLetter);
    let handled = 0;
    for await (const some of pace(waiting)) {
      if (plan.action === 'drop') await settle(some);
      else {
        await append(some.filter(({ redrive }) => redrive.to === 'log'));
        await deliver(some.filter(({ redrive }) => redrive.to === 'ingress'));
      }
      handled += some.length;
      onProgress();
      if (progress.failure !== null) return 'enough';
    }
    return handled === waiting.length ? 'more' : 'enough';
  });

  async function settle(some: readonly Letter[]): Promise<void> {
    await letters.settle(some, action);
    progress.done += some.length;
  }

  async function append(some: readonly Letter[]): Promise<void> {
    if (publisher === null || some.length === 0) return;
    const results = await Promise.allSettled(some.map(({ record }) => publisher.publish(redrivenRecord(destinations.events, record))));
    await settle(some.filter((_letter, index) => results[index]?.status === 'fulfilled'));
    const failed = results.findIndex(({ status }) => status === 'rejected');
    const [letter, result] = [some[failed], results[failed]];
    if (letter !== undefined && result?.status === 'rejected') progress.failure = `${refOf(letter)}: ${messageOf(result.reason)}`;
  }

  async function deliver(some: readonly Letter[]): Promise<void> {
    const { ingressUrl, signers } = destinations;
    if (some.length === 0) return;
    // Few letters are webhooks, and the HTTP client takes 5 MB of a console.
    const { redeliver } = await import('./webhook-redelivery.ts');
    for (const letter of some) {
      if (progress.failure !== null || ingressUrl === null || letter.redrive.to !== 'ingress') return;
      const { route } = letter.redrive;
      const signer = signers[route];
      if (signer === null) continue;
      const answer = await redeliver({ route, raw: letter.record.value ?? Buffer.alloc(0) }, { ingressUrl, signer, signal });
      switch (answer.kind) {
        case 'taken':
          await settle([letter]);
          progress.words.set(answer.word, (progress.words.get(answer.word) ?? 0) + 1);
          break;
        case 'unreadable':
          await letters.settle([letter], action);
          progress.unreadable += 1;
          break;
        case 'not_taken':
          progress.stayed.push({ ref: refOf(letter), why: answer.why });
          break;
        case 'failed':
          progress.failure = `${refOf(letter)}: ${answer.why}`;
          break;
      }
      onProgress();
    }
  }
}

async function* atOnce(letters: readonly Letter[]): AsyncGenerator<readonly Letter[]> {
  yield letters;
}
