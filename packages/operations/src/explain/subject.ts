import { canonicalNotionId, openNotionIdFromText } from '@notion-mirror/domain/notion-id';

/** The id that an operator means by a Notion URL or an id; the text itself when it is neither, since ids of rechecks and sweeps are longer. */
export function subjectOf(text: string): string {
  return (text.includes('/') ? openNotionIdFromText(text) : canonicalNotionId(text.trim())) ?? text.trim();
}
