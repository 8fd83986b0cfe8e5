import { openNotionIdFromText } from '@notion-mirror/domain/notion-id';
import { parsePlace } from '@notion-mirror/operations/log-place';
import { z } from 'zod';
import type { FindAnswer, Hit } from '../answers/find.ts';
import { answering, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';

const mostHits = 20;

const input = z.object({ query: z.object({ q: z.string().trim().min(1).max(2_000) }) });

export function findRoutes(parts: Pick<ConsoleParts, 'directory' | 'databases' | 'outcomes' | 'content'>): Route[] {
  const { directory, databases, outcomes, content } = parts;
  return [
    answering({ method: 'GET', path: '/api/find', role: 'viewer' }, input, async ({ query }): Promise<FindAnswer> => {
      const { q } = query;
      const id = openNotionIdFromText(q);
      const hits = [...tenants(q), ...deadLetter(q), ...(id === null ? await event(q) : await byId(id))];
      return { hits: hits.slice(0, mostHits) };
    }),
  ];

  function tenants(q: string): Hit[] {
    const part = q.toLowerCase();
    const ids = new Set<string>();
    for (const { workspaceId } of directory.all()) if (workspaceId.toLowerCase().includes(part)) ids.add(workspaceId);
    const exactFirst = (a: string, b: string): number => Number(b === q) - Number(a === q) || (a < b ? -1 : 1);
    return [...ids]
      .toSorted(exactFirst)
      .slice(0, mostHits)
      .map((workspaceId) => ({ kind: 'tenant', workspaceId, id: workspaceId, title: null, to: `/t/${encodeURIComponent(workspaceId)}` }));
  }

  async function byId(id: string): Promise<Hit[]> {
    const [found, holders, rows, events] = await Promise.all([databases.byId(id), databases.bySource(id), databases.rows(id), event(id)]);
    const hits: Hit[] = [
      ...found.map(({ workspaceId, databaseId, title }) => database('database', workspaceId, databaseId, databaseId, shown(title))),
      ...holders.map((one) => database('data_source', one.workspaceId, id, one.databaseId, shown(one.title))),
      ...rows.map(({ workspaceId, title }): Hit => ({
        kind: 'row',
        workspaceId,
        id,
        title: shown(title),
        to: `/t/${encodeURIComponent(workspaceId)}/r/${encodeURIComponent(id)}`,
      })),
      ...events,
    ];
    return [...hits, { kind: 'explain', workspaceId: null, id, title: null, to: `/explain/${encodeURIComponent(id)}` }];
  }

  function shown(title: string | null): string | null {
    return content ? title : null;
  }

  async function event(eventId: string): Promise<Hit[]> {
    const [latest] = await outcomes.ofEvent(eventId, 1);
    if (latest === undefined) return [];
    return [{ kind: 'event', workspaceId: latest.workspaceId, id: eventId, title: null, to: `/events/${encodeURIComponent(latest.id)}` }];
  }
}

function database(kind: 'database' | 'data_source', workspaceId: string, id: string, databaseId: string, title: string | null): Hit {
  return { kind, workspaceId, id, title, to: `/t/${encodeURIComponent(workspaceId)}/d/${encodeURIComponent(databaseId)}` };
}

function deadLetter(q: string): Hit[] {
  const place = parsePlace(q);
  if (place === null) return [];
  return [{ kind: 'dead_letter', workspaceId: null, id: q, title: null, to: `/dead-letters/${place.partition}/${place.offset}` }];
}
