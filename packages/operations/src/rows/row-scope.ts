import type { Connection } from '@notion-mirror/domain/connection';
import { notionIdFromText } from '@notion-mirror/domain/notion-id';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { openContentsReports, type ContentsQuery } from '@notion-mirror/mirror-store/contents-reports';
import { OperatorError } from '../operator-error.ts';
import { oneLine } from '../text.ts';

/** The data sources that an operator means. */
export interface RowScope {
  /** Their tenants, and the connections of those. */
  readonly tenants: readonly string[];
  readonly connections: readonly Connection[];
  /** Selects them among those of `tenants`. */
  readonly query: ContentsQuery;
}

/** More than a database has. */
const mostFound = 10_000;

/**
 * `text`: a tenant, or the id or URL of a data source or of a database with all its data sources; null: everything. A tenant comes first, since tenants may be
 * named by the ids of Notion's workspaces. Rejects with an OperatorError when it names nothing known, and with the store's errors.
 */
export async function scopeOf(db: Mongo['db'], text: string | null): Promise<RowScope> {
  const store = createConnectionStore(db);
  const connections = await store.list(text ?? undefined);
  if (text === null || connections.length > 0) {
    const tenants = [...new Set(connections.map(({ workspaceId }) => workspaceId))];
    return { tenants, connections, query: text === null ? {} : { workspaceId: text } };
  }
  const id = notionIdFromText(text);
  const found = id === null ? [] : await openContentsReports(db).list({ id }, mostFound);
  if (id === null || found.length === 0) {
    const message = `${oneLine(text)} is neither a tenant with a connection nor a data source or database of the mirror`;
    const remedy = 'mirror connections list names the tenants, mirror rows status <tenant> its data sources';
    throw new OperatorError('unknown_scope', message, { remedy });
  }
  const tenants = [...new Set(found.map(({ workspaceId }) => workspaceId))];
  return { tenants, connections: (await Promise.all(tenants.map((tenant) => store.list(tenant)))).flat(), query: { id } };
}
