import type { Connection } from '@notion-mirror/domain/connection';
import { scanRows, type ScanEnd } from '@notion-mirror/domain/row-scan';
import type { DataSourceRef } from '@notion-mirror/mirror-store/contents-document';
import { digestOfRow, type DigestedRow, type RowRecords } from '@notion-mirror/mirror-store/entities/row-records';
import type { NotionSource } from '@notion-mirror/notion-source/notion-source';
import { RowQueryError } from '@notion-mirror/notion-source/row-query';

export interface SourceScan {
  /** Rows that Notion returned: through the connection that sees most. */
  readonly compared: number;
  /** Rows that differ from the mirror's, or that only one of the two has: a query can be behind, so a single read decides. */
  readonly suspects: ReadonlySet<string>;
  /** The number of further ones, which are not among the suspects. */
  readonly more: number;
  /** What could not be compared, and why. */
  readonly problems: readonly string[];
}

export interface SourceScanDependencies {
  readonly notion: Pick<NotionSource, 'queryRows'>;
  readonly records: Pick<RowRecords, 'live'>;
  readonly maxSuspects: number;
  readonly signal: AbortSignal;
  /** Called with the rows of one page of a query. Resolves to those that are suspects: Notion cut their values off, so only a single read shows all. */
  readonly checkCut: (ids: readonly string[]) => Promise<readonly string[]>;
  readonly onRows: (rows: number) => void;
}

/**
 * Reads all rows of a data source in Notion and in the mirror, once for each connection that may query it. A record belongs to the connection that fetched
 * it last: others may see other values, or not see the row. Memory holds a page, a minute and the suspects. Rejects with the store's errors or the
 * signal's reason.
 */
export async function scanSource(
  deps: SourceScanDependencies,
  source: DataSourceRef,
  connections: readonly Connection[],
): Promise<SourceScan> {
  const suspects = new Set<string>();
  const problems: string[] = [];
  const refusals: string[] = [];
  let more = 0;
  let compared = 0;
  const suspect = (id: string): void => {
    if (suspects.has(id)) return;
    if (suspects.size < deps.maxSuspects) suspects.add(id);
    else more += 1;
  };

  for (const connection of connections) {
    try {
      const end = await scanThrough(deps, source, connection, connections, suspect);
      if (end.kind === 'stuck') problems.push(`${connection.connectionId}: the queries made no progress (${end.reason})`);
      else {
        compared = Math.max(compared, end.rows.live + end.rows.archived);
        problems.push(...end.truncated.map(({ minute, atLeast }) => truncatedText(new Date(minute), atLeast)));
      }
    } catch (error) {
      deps.signal.throwIfAborted();
      if (!(error instanceof RowQueryError)) throw error;
      (error.problem === 'refused' ? refusals : problems).push(`${connection.connectionId}: ${error.message}`);
    }
  }
  // One that may not query it proves nothing, as long as another may.
  const unseen = refusals.length === connections.length ? refusals : [];
  return { compared, suspects, more, problems: [...new Set([...problems, ...unseen])] };
}

async function scanThrough(
  { notion, records, signal, checkCut, onRows }: SourceScanDependencies,
  source: DataSourceRef,
  { connectionId, ...connection }: Connection,
  connections: readonly Connection[],
  suspect: (id: string) => void,
): Promise<ScanEnd> {
  const others = new Set(connections.map((one) => one.connectionId).filter((id) => id !== connectionId));
  const isOfAnother = (row: DigestedRow) => row.connectionId !== null && others.has(row.connectionId);
  const ask = notion.queryRows({ connectionId, ...connection }, source.dataSourceId, signal);
  const steps = scanRows(
    {
      ask: async (request) => {
        const page = await ask(request);
        if (page.kind === 'page') onRows(page.rows.length);
        return page;
      },
      mirrored: (range) => records.live(source, range),
      isSame: (mirrored: DigestedRow, row) =>
        isOfAnother(mirrored) || (!row.isCut && mirrored.isListed !== false && mirrored.digest === digestOfRow(row.content)),
    },
    null,
  );
  for (;;) {
    signal.throwIfAborted();
    const { value: step, done } = await steps.next();
    if (done === true) return step;
    if (step.kind === 'rows') {
      for (const row of step.rows) if (!row.isCut) suspect(row.id);
      const cut = step.rows.filter(({ isCut }) => isCut).map(({ id }) => id);
      if (cut.length > 0) (await checkCut(cut)).forEach(suspect);
    }
    // Readers do not see a row that no query lists.
    if (step.kind === 'absent') for (const row of step.rows) if (!isOfAnother(row) && row.isListed !== false) suspect(row.id);
  }
}

function truncatedText(minute: Date, atLeast: number): string {
  return `more rows were created in the minute ${minute.toISOString().slice(0, 16)}Z than Notion returns (${atLeast}): the others were not compared`;
}
