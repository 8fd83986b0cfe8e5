import type { Connection } from '@notion-mirror/domain/connection';
import { notionIdFromText } from '@notion-mirror/domain/notion-id';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { findFollowedSources } from '@notion-mirror/mirror-store/entities/row-sources';
import { OperatorError } from '../operator-error.ts';
import { oneLine } from '../text.ts';

interface SourceIds {
  readonly workspaceId: string;
  readonly dataSourceId: string;
  /** Null: unknown. */
  readonly databaseId: string | null;
}

/** The data sources that an operator means. */
export interface RowScope {
  /** Their tenants, and the connections of those. */
  readonly tenants: readonly string[];
  readonly connections: readonly Connection[];
  readonly includes: (source: SourceIds) => boolean;
}

/**
 * `text`: a tenant, or the id or URL of a data source or of a database with all its data sources; null: everything. A tenant comes first, since tenants may be
 * named by the ids of Notion's workspaces. Rejects with an OperatorError when it names nothing known, and with the store's errors.
 */
export async function scopeOf(db: Mongo['db'], text: string | null): Promise<RowScope> {
  const store = createConnectionStore(db);
  const connections = await store.list(text ?? undefined);
  if (text === null || connections.length > 0) {
    return { tenants: tenantsOf(connections), connections, includes: () => true };
  }
  const id = notionIdFromText(text);
  const found = id === null ? [] : await findFollowedSources(db, id);
  if (found.length === 0) {
    throw new OperatorError(
      'unknown_scope',
      `${oneLine(text)} is neither a tenant with a connection nor a data source or database of the mirror`,
      {
        remedy: 'mirror connections list names the tenants, mirror rows status <tenant> its data sources',
      },
    );
  }
  const tenants = [...new Set(found.map(({ workspaceId }) => workspaceId))];
  const theirs = (await Promise.all(tenants.map((tenant) => store.list(tenant)))).flat();
  return { tenants, connections: theirs, includes: ({ dataSourceId, databaseId }) => dataSourceId === id || databaseId === id };
}

function tenantsOf(connections: readonly Connection[]): string[] {
  return [...new Set(connections.map(({ workspaceId }) => workspaceId))];
}
