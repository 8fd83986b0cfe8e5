import pMap from 'p-map';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { DataSourceRef } from '@notion-mirror/mirror-store/contents-document';
import { openContentsReports, type ContentsSummary, type SourceContents } from '@notion-mirror/mirror-store/contents-reports';
import { findHeldSources } from '@notion-mirror/mirror-store/entities/held-sources';
import { oneLine } from '../text.ts';
import { scopeOf } from './row-scope.ts';

/** What the mirror knows of the rows of data sources. */
export interface RowStatus {
  /** Of all tenants; null when the order names some. */
  readonly summary: ContentsSummary | null;
  /** Those that the order names; of all tenants only those that are not complete, and not all of those (`hasMore`). */
  readonly sources: readonly NamedSource[];
  readonly hasMore: boolean;
}

export interface NamedSource extends SourceContents {
  /** The database's title and the data source's name; null: no live database lists it. */
  readonly title: { readonly database: string; readonly source: string } | null;
}

const mostOfAll = 100;
const mostOfScope = 10_000;
const lookupsAtOnce = 10;

/** `text`: as for `scopeOf`. Rejects as that does. */
export async function gatherRowStatus(db: Mongo['db'], text: string | null): Promise<RowStatus> {
  const contents = openContentsReports(db);
  if (text === null) {
    const found = await contents.list({ states: ['incomplete', 'scanning'] }, mostOfAll + 1);
    const sources = await named(db, found.slice(0, mostOfAll));
    return { summary: await contents.summary(), sources, hasMore: found.length > mostOfAll };
  }
  return { summary: null, sources: await sourcesIn(db, text), hasMore: false };
}

/** The data sources that a text names. Rejects as `scopeOf` does. */
export async function sourcesIn(db: Mongo['db'], text: string): Promise<NamedSource[]> {
  const { query } = await scopeOf(db, text);
  return named(db, await openContentsReports(db).list(query, mostOfScope));
}

async function named(db: Mongo['db'], sources: readonly SourceContents[]): Promise<NamedSource[]> {
  const databases = new Map(
    sources.map(({ workspaceId, databaseId }) => [`${workspaceId}:${databaseId}`, { workspaceId, id: databaseId }]),
  );
  const held = (await pMap(databases.values(), async (database) => findHeldSources(db, database), { concurrency: lookupsAtOnce })).flat();
  return sources.map((source) => {
    const found = held.find(({ workspaceId, dataSourceId }) => workspaceId === source.workspaceId && dataSourceId === source.dataSourceId);
    return { ...source, title: found === undefined ? null : { database: found.database, source: found.name } };
  });
}

/** Why the mirror may lack rows of a data source, for an operator; null: nothing is known to be missing. Rejects with the store's errors. */
export async function whyNotAll(db: Mongo['db'], source: DataSourceRef): Promise<string | null> {
  const contents = await openContentsReports(db).read(source);
  if (contents === null || contents.state === 'complete') return null;
  const because = contents.reason === null ? '' : `: ${oneLine(contents.reason)}`;
  return `the mirror may not have all its rows (${contents.state}${because}); see mirror rows status ${source.dataSourceId}`;
}
