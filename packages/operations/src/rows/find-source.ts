import { notionIdFromText } from '@notion-mirror/domain/notion-id';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { findHeldSources, type HeldSource } from '@notion-mirror/mirror-store/entities/held-sources';
import { OperatorError } from '../operator-error.ts';
import { oneLine } from '../text.ts';

const shownAtMost = 5;

/**
 * The data source that a text names: by its own id, or by that of a database with one source; or a URL of either. Rejects with an OperatorError when it
 * names none, or several (`workspaceId` narrows those down), and with the store's errors.
 */
export async function findSource(db: Mongo['db'], text: string, workspaceId: string | undefined): Promise<HeldSource> {
  const id = notionIdFromText(text);
  const found = id === null ? [] : await findHeldSources(db, { id, ...(workspaceId === undefined ? {} : { workspaceId }) });
  const [source] = found;
  if (source === undefined) {
    throw new OperatorError('unknown_data_source', `no live database of the mirror has a data source ${oneLine(text)}`, {
      remedy: 'mirror rows status names the data sources of a tenant; mirror explain says why a database is not there',
    });
  }
  if (found.length === 1) return source;
  const names = found.slice(0, shownAtMost).map((one) => `${oneLine(one.workspaceId)} ${one.dataSourceId} (${oneLine(one.name)})`);
  throw new OperatorError('several_data_sources', `${oneLine(text)} names ${found.length} data sources: ${names.join('; ')}`, {
    kind: 'usage',
    remedy: 'give the id of one, and --workspace-id when several tenants have it',
  });
}
