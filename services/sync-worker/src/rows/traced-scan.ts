import { endFailed } from '@notion-mirror/service-kit/tracing/in-span';
import { isSampled } from '@notion-mirror/service-kit/tracing/trace-context';
import type { SpanStart, Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { runScan, type ScanHooks, type ScanOutcome } from './run-scan.ts';
import type { ScanDependencies, ScanOrder } from './scan-run.ts';
import { createScanSpans } from './scan-spans.ts';

/**
 * `runScan` in a trace of its own, or in the one that was named to the events that were left to it. If there are several of those, each of the others gets a
 * span that links to the scan. Its queries, the pages that it applies, and the event that it may append belong to the trace; the rows are too many.
 */
export async function runTracedScan(
  deps: ScanDependencies & { readonly tracing: Tracing },
  order: ScanOrder,
  hooks: ScanHooks,
  signal: AbortSignal,
): Promise<ScanOutcome> {
  const { tracing, notion } = deps;
  const { traces: promised = [] } = order.wish;
  const promise = promised.find(isSampled) ?? promised[0];
  const context = promise ?? tracing.newTrace();
  const startedAt = Date.now();
  const start = startOf(order);
  const span = promise === undefined ? tracing.root(context, start) : tracing.child(context, start);
  const trace = span?.trace ?? context;
  hooks.onTrace?.(trace);
  const spans = createScanSpans(tracing, trace);
  const queries: ScanDependencies['notion'] = {
    queryRows: (connection, id, until) => notion.queryRows(connection, id, until, spans.ofQuery),
    queryEditedRows: (connection, id, until) => notion.queryEditedRows(connection, id, until, spans.ofQuery),
  };
  try {
    const outcome = await runScan({ ...deps, notion: queries, trace, spans }, order, hooks, signal);
    span?.set({ 'notion_mirror.outcome': outcome.kind, 'notion_mirror.spans_left_out': spans.leftOut() });
    for (const [name, count] of Object.entries(hooks.counts)) span?.set({ [`notion_mirror.scan.${name}`]: count });
    span?.end(outcome.kind === 'stopped' ? 'stopped' : undefined);
    return outcome;
  } catch (error) {
    endFailed(span, error);
    throw error;
  } finally {
    for (const other of promised) if (other !== promise) tracing.child(other, { ...start, startedAt, links: [{ trace }] })?.end();
  }
}

function startOf({ workspaceId, databaseId, dataSourceId, depth, wish }: ScanOrder): SpanStart {
  return {
    name: `scan ${wish.reasons[0] ?? 'scheduled'}`,
    kind: 'internal',
    attributes: {
      'notion_mirror.workspace_id': workspaceId,
      'notion_mirror.database_id': databaseId,
      'notion_mirror.data_source_id': dataSourceId,
      'notion_mirror.depth': depth,
      'notion_mirror.reasons': wish.reasons.join(','),
    },
  };
}
