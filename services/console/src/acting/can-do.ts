import { setTimeout as delay } from 'node:timers/promises';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { OperationContext } from '@notion-mirror/operations/operation-context';
import { forEveryAction, whatCanBeDone, type WhyNot } from '@notion-mirror/operations/rights/what-can-be-done';
import { createSampler } from '../overview/sampler.ts';

const sampleMs = 30_000;
const patienceMs = 1_000;

/** What the process can do with its rights, as it was asked of the servers at most half a minute ago. Answers within a second, if need be as it was known before. */
export type CanDo = () => Promise<WhyNot>;

export function createCanDo(context: OperationContext, db: Mongo['db']): CanDo {
  let last: WhyNot = forEveryAction(() => 'It is being found out whether the servers let the console do this.');
  const ask = createSampler(sampleMs, async () => {
    last = await whatCanBeDone(context, db);
    return last;
  });
  return async () => {
    const waiting = new AbortController();
    const late = delay(patienceMs, undefined, { signal: waiting.signal }).then(
      () => last,
      () => last,
    );
    try {
      return await Promise.race([ask(), late]);
    } finally {
      waiting.abort();
    }
  };
}
