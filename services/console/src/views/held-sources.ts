import type { DatabaseRecord } from '@notion-mirror/mirror-store/entities/database-pages';
import type { HeldSource } from '@notion-mirror/mirror-store/entities/held-sources';

/** The data sources of a live database, in its own order. */
export function heldSources({ workspaceId, databaseId, title, content }: DatabaseRecord): HeldSource[] {
  return (content?.dataSources ?? []).map((source) => ({
    workspaceId,
    databaseId,
    database: title ?? '',
    dataSourceId: source.id,
    name: source.name,
    properties: 'accessible' in source ? null : source.properties,
  }));
}
