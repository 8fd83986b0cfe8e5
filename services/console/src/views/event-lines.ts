import { keyOf } from '@notion-mirror/domain/entity';
import type { DatabasePages } from '@notion-mirror/mirror-store/entities/database-pages';
import type { KeptOutcome } from '@notion-mirror/mirror-store/outcome-pages';
import { outcomeJson } from '@notion-mirror/operations/events/outcome-json';
import { scanTraceOf } from '@notion-mirror/operations/explain/trace';
import { LRUCache } from 'lru-cache';
import type { EventDetail, EventLine } from '../answers/events.ts';

/** Outcomes as the page shows them, with the titles of what they are about. */
export interface EventViews {
  lines(outcomes: readonly KeptOutcome[]): Promise<EventLine[]>;
  detail(outcome: KeptOutcome): Promise<EventDetail>;
}

const keptTitles = 5_000;
/** A title may be this old: each event would read it again otherwise. */
const titleMs = 10_000;

/** `content`: whether titles are shown. `traceUrl`: of a trace, with `{traceId}`. */
export function createEventViews(deps: {
  readonly databases: Pick<DatabasePages, 'titles'>;
  readonly content: boolean;
  readonly redact: (text: string) => string;
  readonly traceUrl: string | undefined;
}): EventViews {
  const { databases, content, redact, traceUrl } = deps;
  /** By kind and key; empty for none. */
  const titles = new LRUCache<string, string>({ max: keptTitles, ttl: titleMs });

  async function load(outcomes: readonly KeptOutcome[]): Promise<void> {
    if (!content) return;
    for (const kind of ['row', 'database'] as const) {
      const refs = outcomes.flatMap((outcome) => {
        const about = subjectOf(outcome);
        return about?.kind === kind && !titles.has(`${kind}:${keyOf(about)}`) ? [about] : [];
      });
      const found = await databases.titles(kind, refs);
      for (const ref of refs) titles.set(`${kind}:${keyOf(ref)}`, found.get(keyOf(ref)) ?? '');
    }
  }

  function titleOf(outcome: KeptOutcome): string | null {
    const about = subjectOf(outcome);
    if (about === null) return null;
    const title = titles.get(`${about.kind}:${keyOf(about)}`);
    return title === undefined || title === '' ? null : title;
  }

  function line(outcome: KeptOutcome): EventLine {
    return { ...outcomeJson(outcome, { redact, traceUrl }), title: titleOf(outcome) };
  }

  return {
    async lines(outcomes) {
      await load(outcomes);
      return outcomes.map(line);
    },
    async detail(outcome) {
      await load([outcome]);
      const { connectionId, occurredAt, place, waitedMs, attempts, fetch, record, state } = outcome;
      return {
        ...line(outcome),
        connectionId,
        occurredAt: occurredAt?.toISOString() ?? null,
        appendedAt: place?.appendedAt.toISOString() ?? null,
        waitedMs,
        attempts,
        fetch,
        record: record && { ...record, asOf: record.asOf.toISOString() },
        state,
        scanTrace: scanTraceOf(outcome, traceUrl),
      };
    },
  };
}

/** What an event is about, in a tenant. An event of a version before rows has no `pageId`. */
function subjectOf(outcome: KeptOutcome): { readonly kind: 'row' | 'database'; readonly workspaceId: string; readonly id: string } | null {
  const { workspaceId, record } = outcome;
  if (workspaceId === null) return null;
  const pageId = outcome.pageId ?? record?.pageId ?? null;
  if (pageId !== null) return { kind: 'row', workspaceId, id: pageId };
  const databaseId = record?.databaseId ?? outcome.databaseId;
  return databaseId === null ? null : { kind: 'database', workspaceId, id: databaseId };
}
