import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { OperationContext } from '../operation-context.ts';
import { createCauses, type Causes } from './causes.ts';
import type { LetterFilter } from './filter.ts';
import { openDeadLetterTopic, type Letter } from './topic.ts';

/** A letter without its record, which a list need not keep. */
export type LetterLine = Omit<Letter, 'record'>;

/** The matching letters by cause, and the first `limit` of them in topic order. `withSettled`: includes settled ones. */
export async function listLetters(
  context: OperationContext,
  db: Mongo['db'],
  choice: { readonly filter: LetterFilter; readonly withSettled: boolean; readonly limit: number },
): Promise<{ readonly causes: Causes; readonly lines: readonly LetterLine[] }> {
  const { filter, withSettled, limit } = choice;
  const topic = openDeadLetterTopic(context, db);
  const causes = createCauses();
  const lines: LetterLine[] = [];
  await topic.read(await topic.ends(), async (letters) => {
    for (const letter of letters) {
      if ((letter.settlement !== null && !withSettled) || !filter(letter)) continue;
      causes.add(letter, letter.settlement !== null);
      const { record: _record, ...line } = letter;
      if (lines.length < limit) lines.push(line);
    }
    return 'more';
  });
  return { causes, lines };
}
