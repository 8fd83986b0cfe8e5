import { endFailed } from '@notion-mirror/service-kit/tracing/in-span';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { runScan, type ScanHooks, type ScanOutcome } from './run-scan.ts';
import type { ScanDependencies, ScanOrder } from './scan-run.ts';

/** `runScan` in a trace of its own. Its queries, and the event that it may append, belong to the trace; the rows that it writes are too many. */
export async function runTracedScan(
  deps: ScanDependencies & { readonly tracing: Tracing },
  order: ScanOrder,
  hooks: ScanHooks,
  signal: AbortSignal,
): Promise<ScanOutcome> {
  const { tracing, notion } = deps;
  const trace = tracing.newTrace();
  const { workspaceId, databaseId, dataSourceId, depth, wish } = order;
  const span = tracing.root(trace, {
    name: `scan ${wish.reasons[0] ?? 'scheduled'}`,
    kind: 'internal',
    attributes: {
      'notion_mirror.workspace_id': workspaceId,
      'notion_mirror.database_id': databaseId,
      'notion_mirror.data_source_id': dataSourceId,
      'notion_mirror.depth': depth,
      'notion_mirror.reasons': wish.reasons.join(','),
    },
  });
  const queries: ScanDependencies['notion'] = {
    queryRows: (connection, id, until) => notion.queryRows(connection, id, until, trace),
    queryEditedRows: (connection, id, until) => notion.queryEditedRows(connection, id, until, trace),
  };
  try {
    const outcome = await runScan({ ...deps, notion: queries, trace }, order, hooks, signal);
    span?.set({ 'notion_mirror.outcome': outcome.kind });
    for (const [name, count] of Object.entries(hooks.counts)) span?.set({ [`notion_mirror.scan.${name}`]: count });
    span?.end(outcome.kind === 'stopped' ? 'stopped' : undefined);
    return outcome;
  } catch (error) {
    endFailed(span, error);
    throw error;
  }
}
