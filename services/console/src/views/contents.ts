import type { SourceContents } from '@notion-mirror/mirror-store/contents-reports';
import { sourceJson } from '@notion-mirror/operations/rows/contents-json';
import type { Contents } from '../answers/rows.ts';

/** What is known of the rows of a data source. `redact` removes configured secrets from what a failed scan said. */
export function contentsView(source: SourceContents, redact: (text: string) => string): Contents {
  const json = sourceJson(source);
  return { ...json, failure: json.failure === null ? null : redact(json.failure) };
}
