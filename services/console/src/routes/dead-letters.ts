import { filterOf } from '@notion-mirror/operations/dead-letters/filter';
import { readLetter } from '@notion-mirror/operations/dead-letters/letter-details';
import { causeJson, detailsJson, letterJson } from '@notion-mirror/operations/dead-letters/letter-json';
import type { LetterLine } from '@notion-mirror/operations/dead-letters/list-letters';
import { z } from 'zod';
import type { DeadLettersAnswer, LetterAnswer, LettersAnswer } from '../answers/dead-letters.ts';
import { cursor, cursorOf, flag, optional, time } from '../http/input.ts';
import { answering, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';

const onPage = 100;

const anything = z.object({});
const listInput = z.object({
  query: z.object({
    class: optional,
    code: optional,
    service: optional,
    tenant: optional,
    since: time,
    settled: flag,
    cursor: cursor(z.object({ failedAt: z.number().int(), partition: z.number().int(), offset: z.string().regex(/^\d{1,18}$/) })),
  }),
});
const oneInput = z.object({
  params: z.object({
    partition: z
      .string()
      .regex(/^\d{1,6}$/)
      .transform(Number),
    offset: z
      .string()
      .regex(/^\d{1,18}$/)
      .transform(BigInt),
  }),
});

export function deadLetterRoutes({ context, db, content, letters }: Pick<ConsoleParts, 'context' | 'db' | 'content' | 'letters'>): Route[] {
  const { redact } = context;
  return [
    answering({ method: 'GET', path: '/api/dead-letters', role: 'viewer' }, anything, async (): Promise<DeadLettersAnswer> => {
      const { waiting } = await letters.read();
      return { letters: waiting.letters, tenants: waiting.tenants, causes: waiting.list().map((cause) => causeJson(cause, redact)) };
    }),

    answering(
      { method: 'GET', path: '/api/dead-letters/letters', role: 'viewer' },
      listInput,
      async ({ query }): Promise<LettersAnswer> => {
        const { settled, cursor: place, tenant: workspaceId, ...criteria } = query;
        const fits = filterOf({ ...criteria, workspaceId });
        const after = place && { failedAt: new Date(place.failedAt), partition: place.partition, offset: BigInt(place.offset) };
        const found = (await letters.read()).lines
          .filter((letter) => (settled || letter.settlement === null) && fits(letter) && (after === null || newestFirst(after, letter) < 0))
          .toSorted(newestFirst);
        const shown = found.slice(0, onPage);
        const last = found.length > onPage ? shown.at(-1) : undefined;
        return {
          letters: shown.map((letter) => letterJson(letter, redact)),
          next:
            last === undefined
              ? null
              : cursorOf({ failedAt: last.failedAt.getTime(), partition: last.partition, offset: String(last.offset) }),
        };
      },
    ),

    answering(
      { method: 'GET', path: '/api/dead-letters/:partition/:offset', role: 'viewer' },
      oneInput,
      async ({ params }, { signal }): Promise<LetterAnswer> => {
        const letter = detailsJson(await readLetter({ ...context, signal }, db, params), redact);
        return { letter: content ? letter : { ...letter, value: { ...letter.value, preview: null } } };
      },
    ),
  ];
}

type Placed = Pick<LetterLine, 'failedAt' | 'partition' | 'offset'>;

function newestFirst(a: Placed, b: Placed): number {
  return b.failedAt.getTime() - a.failedAt.getTime() || a.partition - b.partition || Number(b.offset - a.offset);
}
