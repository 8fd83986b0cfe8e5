import type { KeptOutcome } from '@notion-mirror/mirror-store/outcome-pages';
import { traceOf } from '../explain/trace.ts';

/** The outcome of an event as a line of a list. `traceUrl`: of a trace, with `{traceId}`. */
export function outcomeJson(
  outcome: KeptOutcome,
  { redact, traceUrl }: { readonly redact: (text: string) => string; readonly traceUrl: string | undefined },
) {
  const { id, eventId, at, receivedAt, workspaceId, dataSourceId, kind, type, origin, service, reason, failure, place } = outcome;
  const trace = traceOf(outcome, traceUrl);
  return {
    id,
    eventId,
    at: at.toISOString(),
    receivedAt: receivedAt.toISOString(),
    totalMs: Math.max(0, at.getTime() - receivedAt.getTime()),
    workspaceId,
    databaseId: outcome.databaseId ?? outcome.record?.databaseId ?? null,
    dataSourceId,
    pageId: outcome.pageId ?? outcome.record?.pageId ?? null,
    kind,
    type,
    origin,
    service,
    outcome: outcome.outcome,
    reason,
    failure: failure && { ...failure, message: redact(failure.message) },
    place: place && { partition: place.partition, offset: place.offset },
    coalescedInto: outcome.coalescedInto,
    needsLook: outcome.needsLook === true,
    isUnannounced: outcome.isUnannounced,
    trace: trace && { ...trace },
  };
}
