import { z } from 'zod';
import type { Json, JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import type { RichText } from './model.ts';

const annotations = z.object({
  bold: z.boolean().default(false),
  italic: z.boolean().default(false),
  strikethrough: z.boolean().default(false),
  underline: z.boolean().default(false),
  code: z.boolean().default(false),
  color: z.string().default('default'),
});

/** One rich text item of a request. */
const richTextItemRequest = z.looseObject({
  type: z.enum(['text', 'mention', 'equation']).optional(),
  annotations: annotations.prefault({}),
  text: z.looseObject({ content: z.string().max(2000), link: z.looseObject({ url: z.string() }).nullish() }).optional(),
  mention: z.record(z.string(), z.json()).optional(),
  equation: z.looseObject({ expression: z.string() }).optional(),
});

/** Parses a request's rich text (at most 100 items) into the API's response form. */
export const richTextRequest = z.array(richTextItemRequest.transform(answeredItem)).max(100);

function answeredItem(item: z.output<typeof richTextItemRequest>): JsonObject {
  const common = { annotations: { ...item.annotations } };
  if (item.equation !== undefined) {
    const { expression } = item.equation;
    return { type: 'equation', equation: { expression }, ...common, plain_text: expression, href: null };
  }
  if (item.mention !== undefined)
    return { type: 'mention', mention: item.mention, ...common, plain_text: mentionText(item.mention), href: null };
  const { content = '', link } = item.text ?? {};
  const url = link?.url ?? null;
  return { type: 'text', text: { content, link: url === null ? null : { url } }, ...common, plain_text: content, href: url };
}

function mentionText(mention: Readonly<Record<string, Json>>): string {
  const date = mention['date'];
  if (isJsonObject(date)) return [date['start'], date['end']].filter((part) => typeof part === 'string').join(' → ');
  return 'user' in mention ? '@User' : 'Untitled';
}

/** A rich text of one unformatted item, or of none for an empty text. */
export function plainRichText(content: string): RichText {
  return content === '' ? [] : richTextRequest.parse([{ text: { content } }]);
}

export function plainTextOf(richText: RichText): string {
  return richText.map((item) => (typeof item['plain_text'] === 'string' ? item['plain_text'] : '')).join('');
}
