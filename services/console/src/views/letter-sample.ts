import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createCauses, type Causes } from '@notion-mirror/operations/dead-letters/causes';
import type { LetterLine } from '@notion-mirror/operations/dead-letters/list-letters';
import { openDeadLetterTopic } from '@notion-mirror/operations/dead-letters/topic';
import type { OperationContext } from '@notion-mirror/operations/operation-context';
import { createSampler } from '../overview/sampler.ts';

/** All dead letters, as they were within the last seconds. */
export interface LetterSample {
  /** `lines`: the first ones, without their bytes. Rejects as the topic's reader does. */
  read(): Promise<{ readonly waiting: Causes; readonly lines: readonly LetterLine[] }>;
  /** To be called when some of them were settled. */
  forget(): void;
}

/** Of more only the first are listed, and all are counted by cause. */
const mostKept = 50_000;
/** Reading the topic takes a consumer of its own, so all viewers share what was read. */
const sampleMs = 5_000;

export function createLetterSample(context: OperationContext, db: Mongo['db']): LetterSample {
  let sample = begin();

  function begin() {
    return createSampler(sampleMs, async () => {
      const topic = openDeadLetterTopic(context, db);
      const waiting = createCauses();
      const lines: LetterLine[] = [];
      await topic.read(await topic.ends(), async (letters) => {
        for (const { record: _bytes, ...line } of letters) {
          if (line.settlement === null) waiting.add(line, false);
          if (lines.length < mostKept) lines.push(line);
        }
        return Promise.resolve('more');
      });
      return { waiting, lines };
    });
  }

  return {
    read: async () => sample(),
    forget() {
      sample = begin();
    },
  };
}
