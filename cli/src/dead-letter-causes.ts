import type { DeadLetterFacts } from '@notion-mirror/event-log/dead-letters';
import { oneLine, table, type Cell, type Colors, type JsonObject } from './output.ts';

/** Letters with the same class, code and service. */
export interface Cause {
  readonly class: string;
  readonly code: string;
  readonly service: string;
  count: number;
  settled: number;
  oldest: Date;
  newest: Date;
  /** Of the newest. */
  message: string;
  readonly tenants: Set<string>;
}

/** Letters by cause, added one by one: nothing of a letter is kept. */
export interface Causes {
  add(letter: DeadLetterFacts, isSettled: boolean): void;
  /** The most frequent first. */
  list(): Cause[];
  readonly letters: number;
  readonly tenants: number;
}

export function createCauses(): Causes {
  const causes = new Map<string, Cause>();
  const tenants = new Set<string>();
  let letters = 0;
  return {
    add({ cause: { class: errorClass, code, message }, service, failedAt, workspaceId }, isSettled) {
      const key = JSON.stringify([errorClass, code, service]);
      const known = causes.get(key);
      const cause = known ?? {
        class: errorClass,
        code,
        service,
        count: 0,
        settled: 0,
        oldest: failedAt,
        newest: failedAt,
        message,
        tenants: new Set(),
      };
      if (known === undefined) causes.set(key, cause);
      letters += 1;
      cause.count += 1;
      if (isSettled) cause.settled += 1;
      if (failedAt < cause.oldest) cause.oldest = failedAt;
      if (failedAt >= cause.newest) {
        cause.newest = failedAt;
        cause.message = message;
      }
      if (workspaceId !== null) {
        cause.tenants.add(workspaceId);
        tenants.add(workspaceId);
      }
    },
    list: () => [...causes.values()].toSorted((a, b) => b.count - a.count || a.oldest.getTime() - b.oldest.getTime()),
    get letters() {
      return letters;
    },
    get tenants() {
      return tenants.size;
    },
  };
}

export function causeJson({ tenants, oldest, newest, ...cause }: Cause, redact: (text: string) => string): JsonObject {
  return {
    ...cause,
    message: redact(cause.message),
    oldest: oldest.toISOString(),
    newest: newest.toISOString(),
    tenants: tenants.size,
  };
}

export function renderCauses(causes: readonly Cause[], colors: Colors, redact: (text: string) => string): string {
  const header = ['LETTERS', 'CAUSE', 'SERVICE', 'TENANTS', 'OLDEST', 'NEWEST', 'E.G.'].map((text) => ({ text, style: colors.dim }));
  const rows = causes.map(({ count, settled, service, tenants, oldest, newest, message, ...cause }): Cell[] => [
    settled === 0 ? String(count) : `${count} (${settled} settled)`,
    { text: causeName(cause), style: colors.red },
    oneLine(service),
    String(tenants.size),
    minute(oldest),
    minute(newest),
    oneLine(clip(redact(message))),
  ]);
  return table([header, ...rows]);
}

export function causeName(cause: { readonly class: string; readonly code: string }): string {
  return oneLine(`${cause.class}/${cause.code}`);
}

export function minute(time: Date): string {
  return time.toISOString().slice(0, 16).replace('T', ' ');
}

export function clip(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
