import type { Json } from '@notion-mirror/domain/database-content';
import type { SchemaChangeDocument } from '@notion-mirror/mirror-store/schema-history';

/** The fields of the document but those that the command names already, with times as text. */
export function schemaChangeJson({ _id: _key, workspaceId: _tenant, ...document }: SchemaChangeDocument): Json {
  return JSON.parse(JSON.stringify(document)) as Json;
}
