import { notionIdFromText } from '@notion-mirror/domain/notion-id';
import { openContentsReports } from '@notion-mirror/mirror-store/contents-reports';
import type { DatabaseRecord, ListedDatabase } from '@notion-mirror/mirror-store/entities/database-pages';
import type { HeldSource } from '@notion-mirror/mirror-store/entities/held-sources';
import { findSchemaChanges } from '@notion-mirror/mirror-store/schema-history';
import { readRowPage } from '@notion-mirror/operations/rows/row-page';
import { changeText } from '@notion-mirror/operations/schema/change-text';
import { z } from 'zod';
import type { Crumb } from '../answers/common.ts';
import type { DatabaseAnswer, DatabasesAnswer, HistoryAnswer, RawAnswer } from '../answers/databases.ts';
import type { RowsAnswer } from '../answers/rows.ts';
import { cursor, cursorOf, flag, optional, tenant } from '../http/input.ts';
import { answering, Refusal, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import { contentsView } from '../views/contents.ts';
import { contentView, databaseLine, relatedSources, useIt } from '../views/database-view.ts';
import { heldSources } from '../views/held-sources.ts';
import { plainJson, rowLine } from '../views/row-line.ts';

const onPage = 100;
const mostSources = 500;
const mostChildren = 100;
const mostChanges = 100;
const mostConditions = 10;
const dayMs = 24 * 60 * 60 * 1000;

const listInput = z.object({
  params: z.object({ tenant }),
  query: z.object({
    q: optional,
    removed: flag,
    cursor: cursor(z.object({ title: z.string().nullable(), databaseId: z.string() })),
  }),
});
const params = z.object({ tenant, database: z.string().min(1).max(100) });
const oneInput = z.object({ params });
const rowsInput = z.object({
  params,
  query: z.object({
    source: optional,
    where: z
      .union([z.string(), z.array(z.string())])
      .optional()
      .transform((value) => (value === undefined ? [] : [value].flat()))
      .pipe(z.array(z.string().max(500)).max(mostConditions)),
    cursor: cursor(z.object({ createdTime: z.iso.datetime().nullable(), pageId: z.string() })),
  }),
});

export function databaseRoutes(parts: Pick<ConsoleParts, 'db' | 'databases' | 'config' | 'context' | 'content'>): Route[] {
  const { db, databases, config, context, content } = parts;
  const settings = { content, tombstoneTtlMs: config.tombstoneTtlMs, redact: context.redact };
  const contents = openContentsReports(db);

  return [
    answering(
      { method: 'GET', path: '/api/tenants/:tenant/databases', role: 'viewer' },
      listInput,
      async (input): Promise<DatabasesAnswer> => {
        const workspaceId = input.params.tenant;
        const { q, removed, cursor: after } = input.query;
        const id = q === undefined ? null : notionIdFromText(q);
        if (id !== null) {
          const found = (await byIds(workspaceId, id)).filter((one) => (one.removed !== null) === removed);
          return { databases: found.map((one) => databaseLine(one, settings)), next: null };
        }
        if (q !== undefined && !content) {
          throw new Refusal(
            403,
            'content_hidden',
            'This console does not show titles, so it does not look for them either.',
            'give an id or a Notion URL',
          );
        }
        const found = await databases.page({ workspaceId, title: removed ? undefined : q, removed }, after, onPage + 1);
        const shown = found.slice(0, onPage);
        const last = found.length > onPage ? shown.at(-1) : undefined;
        return {
          databases: shown.map((one) => databaseLine(one, settings)),
          // A title stays in a cursor only where it is shown as well.
          next: last === undefined ? null : cursorOf({ title: last.title, databaseId: last.databaseId }),
        };
      },
    ),

    answering(
      { method: 'GET', path: '/api/tenants/:tenant/databases/:database', role: 'viewer' },
      oneInput,
      async (input): Promise<DatabaseAnswer> => {
        const { tenant: workspaceId, database: databaseId } = input.params;
        const record = await recordOf(workspaceId, databaseId);
        const [known, related, parents, children] = await Promise.all([
          contents.list({ workspaceId, id: databaseId }, mostSources),
          databases.bySources(workspaceId, relatedSources(record.content?.dataSources ?? [])),
          parentsOf(record),
          databases.below(workspaceId, databaseId, mostChildren),
        ]);
        return {
          database: databaseLine(record, settings),
          content: record.content === null ? null : contentView(record.content, known, related, settings),
          source: record.source,
          connectionId: record.connectionId,
          syncedAt: record.syncedAt?.toISOString() ?? null,
          lastEvent: record.lastEvent && { ...record.lastEvent, occurredAt: record.lastEvent.occurredAt.toISOString() },
          parents,
          children: children.map((child) => ({ ...child, title: content ? child.title : null })),
          use: useIt(record),
        };
      },
    ),

    answering(
      { method: 'GET', path: '/api/tenants/:tenant/databases/:database/raw', role: 'viewer', needsContent: true },
      oneInput,
      async (input): Promise<RawAnswer> => {
        const found = await databases.raw('database', input.params.tenant, input.params.database);
        if (found === null) throw noDatabase();
        const { raw = null, ...document } = found;
        return { raw: plainJson(raw), document: plainJson(document) };
      },
    ),

    answering(
      { method: 'GET', path: '/api/tenants/:tenant/databases/:database/history', role: 'viewer', needsContent: true },
      oneInput,
      async (input): Promise<HistoryAnswer> => {
        const { tenant: workspaceId, database: databaseId } = input.params;
        const found = await findSchemaChanges(db, { workspaceId, databaseId, limit: mostChanges + 1 });
        return {
          changes: found.slice(0, mostChanges).map(({ dataSourceId, at, asOf, rev, event, isTooLarge, changes }) => ({
            dataSourceId,
            at: at.toISOString(),
            asOf: asOf.toISOString(),
            rev,
            event: event && { ...event, occurredAt: event.occurredAt.toISOString() },
            isTooLarge: isTooLarge === true,
            changes: changes.map((change) => ({
              kind: change.kind,
              propertyId: change.propertyId,
              property: change.property,
              text: changeText(change),
              old: plainJson(change.old),
              new: plainJson(change.new),
            })),
          })),
          hasMore: found.length > mostChanges,
          keptDays: config.schemaHistoryMs / dayMs,
        };
      },
    ),

    answering(
      { method: 'GET', path: '/api/tenants/:tenant/databases/:database/rows', role: 'viewer', needsContent: true },
      rowsInput,
      async (input): Promise<RowsAnswer> => {
        const { tenant: workspaceId, database: databaseId } = input.params;
        const { source: wanted, where, cursor: place } = input.query;
        const source = await sourceOf(workspaceId, databaseId, wanted);
        const after = place && { pageId: place.pageId, createdTime: place.createdTime === null ? null : new Date(place.createdTime) };
        const [page, known] = await Promise.all([
          readRowPage(db, source, { where, after, limit: onPage }),
          contents.read({ workspaceId, dataSourceId: source.dataSourceId }),
        ]);
        return {
          dataSourceId: source.dataSourceId,
          columns: page.columns.map(({ id, name, type }) => ({ id, name, type })),
          rows: page.rows.map(rowLine),
          contents: known && contentsView(known, context.redact),
          next: page.last && cursorOf({ createdTime: page.last.createdTime?.toISOString() ?? null, pageId: page.last.pageId }),
        };
      },
    ),
  ];

  async function recordOf(workspaceId: string, databaseId: string): Promise<DatabaseRecord> {
    const record = await databases.read(workspaceId, databaseId);
    if (record === null) throw noDatabase();
    return record;
  }

  async function byIds(workspaceId: string, id: string): Promise<ListedDatabase[]> {
    const [own, holders] = await Promise.all([databases.read(workspaceId, id), databases.bySources(workspaceId, [id])]);
    return own === null ? holders : [own];
  }

  async function parentsOf({ workspaceId, content: shown }: DatabaseRecord): Promise<Crumb[]> {
    if (shown === null) return [];
    const above = await databases.above(workspaceId, shown.parent);
    const crumbs: Crumb[] = above.map((one) => ({ ...one, title: content ? one.title : null }));
    const { type, id } = shown.parent;
    return crumbs.length === 0 && type === 'page_id' && id !== null ? [{ kind: 'page', id, title: null, databaseId: null }] : crumbs;
  }

  async function sourceOf(workspaceId: string, databaseId: string, wanted: string | undefined): Promise<HeldSource> {
    const sources = heldSources(await recordOf(workspaceId, databaseId));
    const found =
      wanted === undefined
        ? (sources.find(({ properties }) => properties !== null) ?? sources[0])
        : sources.find(({ dataSourceId }) => dataSourceId === wanted);
    if (found !== undefined) return found;
    throw new Refusal(404, 'not_found', 'The mirror has no such data source in that database.', `mirror rows status ${workspaceId}`);
  }
}

function noDatabase(): Refusal {
  return new Refusal(404, 'not_found', 'The mirror has no record of that database.', 'mirror explain says why a database is not there');
}
