import type { Fields } from '@notion-mirror/domain/content-differences';
import { z } from 'zod';
import { oneLine } from '../text.ts';

/**
 * A property whose value Notion's API does not return, or not in full, although Notion's own pages show it.
 * - `unsupported`, `incomplete`: what Notion returns instead of the result of a formula or a rollup.
 * - `cut_off`: Notion returned the first items only, and the rest could not be read.
 */
export interface WithheldValue {
  readonly property: string;
  readonly why: 'unsupported' | 'incomplete' | 'cut_off';
}

const values = z.object({
  properties: z.array(z.object({ name: z.string(), resultType: z.string().optional(), complete: z.literal(false).optional() })),
});

/** `shown`: the fields of a row's document; null: there is none. */
export function withheldOf(shown: Fields | null): WithheldValue[] {
  return (values.safeParse(shown).data?.properties ?? []).flatMap(({ name: property, resultType, complete }): WithheldValue[] => {
    if (resultType === 'unsupported' || resultType === 'incomplete') return [{ property, why: resultType }];
    return complete === false ? [{ property, why: 'cut_off' }] : [];
  });
}

/** A line for a person. */
export function withheldText({ property, why }: WithheldValue): string {
  return `"${oneLine(property)}": ${reasons[why]}`;
}

const reasons = {
  unsupported: "Notion's API does not support this result and returns no value, so the mirror has null",
  incomplete: "Notion's API did not finish computing this result, so the mirror has null",
  cut_off: "Notion's API returned the first items only, and the rest could not be read",
} as const;
