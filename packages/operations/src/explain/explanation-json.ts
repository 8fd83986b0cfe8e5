import { schemaChangeJson } from '../schema/change-json.ts';
import type { Cause } from './causes.ts';
import type { ExplainFacts, TenantFacts } from './facts.ts';
import type { RowFacts } from './row-facts.ts';
import { scanTraceOf, traceOf, type TraceFacts } from './trace.ts';

export function explanationJson(
  { subject, kind, id, tenants, outcomes }: ExplainFacts,
  causes: readonly Cause[],
  { redact, traceUrl }: { readonly redact: (text: string) => string; readonly traceUrl: string | undefined },
) {
  return {
    subject,
    [kind.idField]: id,
    causes: causes.map((cause) => ({ ...cause, text: redact(cause.text) })),
    tenants: tenants.map(tenantJson),
    events: outcomes.map((outcome) => ({
      eventId: outcome.eventId,
      type: outcome.type,
      workspaceId: outcome.workspaceId,
      origin: outcome.origin,
      receivedAt: outcome.receivedAt.toISOString(),
      partition: outcome.place?.partition ?? null,
      offset: outcome.place?.offset ?? null,
      waitedMs: outcome.waitedMs,
      attempts: outcome.attempts,
      coalescedInto: outcome.coalescedInto,
      fetch: outcome.fetch,
      record: outcome.record === null ? null : { ...outcome.record, asOf: outcome.record.asOf.toISOString() },
      state: outcome.state,
      outcome: outcome.outcome,
      reason: outcome.reason,
      failure: outcome.failure === null ? null : { ...outcome.failure, message: redact(outcome.failure.message) },
      service: outcome.service,
      trace: traceJson(traceOf(outcome, traceUrl)),
      scanTrace: traceJson(scanTraceOf(outcome, traceUrl)),
      at: outcome.at.toISOString(),
    })),
  };
}

/** A plain object, as all of the answer. */
function traceJson(trace: TraceFacts | null) {
  return trace === null ? null : { traceId: trace.traceId, isSampled: trace.isSampled, url: trace.url };
}

/** `row` and `schemaChanges` are absent where the subject has none. */
export function tenantJson({ workspaceId, connections, record, notion, row, schemaChanges }: TenantFacts) {
  return {
    workspaceId,
    connections: connections.map(({ connectionId, status }) => ({ connectionId, status })),
    mirrored: record === null ? null : { live: record.live, rev: record.rev, asOf: new Date(record.asOf).toISOString() },
    notion: notion?.kind ?? null,
    ...(row === null ? {} : { row: rowJson(row) }),
    ...(schemaChanges === null ? {} : { schemaChanges: schemaChanges.map(schemaChangeJson) }),
  };
}

function rowJson({ databaseId, dataSourceId, isArchived, contents, withheld }: RowFacts) {
  const source = contents && { state: contents.state, completeAsOf: contents.completeAsOf?.toISOString() ?? null, reason: contents.reason };
  return { databaseId, dataSourceId, isArchived, dataSource: source, withheld: withheld.map(({ property, why }) => ({ property, why })) };
}
