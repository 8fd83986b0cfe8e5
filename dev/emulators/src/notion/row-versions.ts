import { createHash } from 'node:crypto';
import type { Json, JsonObject } from '../json.ts';
import { isJsonObject } from '../json.ts';
import { stableStringify } from '../stable-json.ts';
import type { PageNode } from './model.ts';

/** Which version of a row an answer showed, so that a test can tell an older state from a newer one. Keeps nothing unless `isOn`. */
export interface RowVersions {
  /** To be called with every answer about a page, and the state that it shows. */
  answered(state: PageNode, answer: JsonObject): void;
  /** Ends the page's present version. To be called before every change of the page, and before it gets into the trash or out of it with others. */
  end(page: PageNode): void;
  /** The versions in which the API has answered exactly this, apart from signatures of files; in ascending order. */
  showing(pageId: string, answer: JsonObject): number[];
  /** The versions in which the page was no row: in the trash, deleted for good, or elsewhere; in ascending order. */
  absent(pageId: string): number[];
  clear(): void;
}

export function createRowVersions({
  isOn,
  find,
  isRow,
}: {
  isOn: () => boolean;
  find: (id: string) => PageNode | undefined;
  /** Whether the page is in a data source and not in the trash. */
  isRow: (page: PageNode) => boolean;
}): RowVersions {
  const answers = new Map<string, Map<string, Set<number>>>();
  /** By page and version. */
  const wasRow = new Map<string, boolean[]>();
  return {
    answered: ({ id, version }, answer) => {
      if (!isOn()) return;
      const known = answers.get(id) ?? new Map<string, Set<number>>();
      const key = fingerprint(answer);
      answers.set(id, known.set(key, (known.get(key) ?? new Set()).add(version)));
    },
    end: (page) => {
      if (isOn()) {
        const past = wasRow.get(page.id) ?? [];
        past[page.version] = isRow(page);
        wasRow.set(page.id, past);
      }
      page.version += 1;
    },
    showing: (pageId, answer) => [...(answers.get(pageId)?.get(fingerprint(answer)) ?? [])].toSorted((a, b) => a - b),
    absent: (pageId) => {
      const present = find(pageId);
      const now = present !== undefined && isRow(present);
      return [...(wasRow.get(pageId) ?? []), now].flatMap((isThere, version) => (isThere ? [] : [version]));
    },
    clear: () => {
      answers.clear();
      wasRow.clear();
    },
  };
}

function fingerprint(answer: JsonObject): string {
  const { request_id: _, ...page } = answer;
  return createHash('sha256')
    .update(stableStringify(unsigned(page)))
    .digest('base64');
}

/** Without what differs in every answer: the signatures of files. */
function unsigned(value: Json): Json {
  if (Array.isArray(value)) return value.map(unsigned);
  if (!isJsonObject(value)) return value;
  const { url, expiry_time: expiry } = value;
  const isSigned = typeof url === 'string' && typeof expiry === 'string';
  if (isSigned) return { url: url.split('?', 1)[0] ?? '' };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unsigned(inner)]));
}
