import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { WorkItem } from '@notion-mirror/event-log/lanes/work';
import { outcomeOf, scanTraceFieldsOf, type EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, type Registry } from '@notion-mirror/service-kit/metrics';
import { traceFieldsOf } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import type { ProcessSpans } from '@notion-mirror/worker/process-spans';
import { createEventSeconds } from '@notion-mirror/worker/event-seconds';
import type { OutcomeDetail, SyncOutcome } from './handle-work.ts';

/** Most other events of one stored outcome: their ids are in it, and in an index. */
const eventsOfOutcome = 1_000;

/** Reports outcomes: one log line and the stored outcome for each report, and the metrics for each event in it. */
export function createOutcomeReport(deps: {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly now: () => number;
  readonly keep: (outcome: EventOutcome) => void;
  readonly spans: ProcessSpans;
  /** With exemplars. */
  readonly tracing: Tracing;
}): (event: WorkItem<DatabaseEvent>, outcome: SyncOutcome, detail: OutcomeDetail) => void {
  const { logger, metrics, now, keep, spans, tracing } = deps;
  const outcomes = new Counter({
    name: 'notion_mirror_sync_outcomes_total',
    help: "Sync events, by outcome. Coalesced: answered by another event's fetch.",
    labelNames: ['outcome', 'coalesced'],
    registers: [metrics],
  });
  const observeAge = createEventSeconds(
    { metrics, tracing },
    'notion_mirror_sync_event_seconds',
    'From the receipt of a sync event to its outcome.',
  );
  const saved = new Counter({
    name: 'notion_mirror_notion_calls_saved_total',
    help: 'Calls to Notion that events saved: the fetch of another event answered them (coalesced), or a fetch begun after their receipt (skipped).',
    labelNames: ['because'],
    registers: [metrics],
  });

  /** Ends the traces of the events. Returns the context to name for the first of them. */
  function endTraces(one: WorkItem<DatabaseEvent>, outcome: SyncOutcome, detail: OutcomeDetail): string | undefined {
    if (!tracing.isOn) return one.item.trace;
    const { reason, waitedMs, coalescedInto, handledIn, answeredBy, scanTrace, others = [] } = detail;
    const about = { 'notion_mirror.outcome': outcome, 'notion_mirror.reason': reason, 'notion_mirror.waited_ms': waitedMs };
    const by = { trace: answeredBy, leftTo: scanTrace, since: one.takenAt + waitedMs };
    for (const other of others) spans.answered(other, by, { ...about, 'notion_mirror.coalesced_into': one.item.eventId });
    return handledIn ?? spans.answered(one, by, { ...about, 'notion_mirror.coalesced_into': coalescedInto });
  }

  return function report(one, outcome, whole) {
    const { trail, attempts, waitedMs, others = [], scanTrace, handledIn: _, answeredBy: __, ...detail } = whole;
    const { item: event, record } = one;
    const { eventId, type, workspaceId, databaseId, dataSourceId, pageId, origin } = event;
    const trace = endTraces(one, outcome, whole);
    const traces = { ...traceFieldsOf(trace), ...scanTraceFieldsOf(scanTrace) };
    const at = now();
    const ageMs = at - event.receivedAt.getTime();
    outcomes.inc({ outcome, coalesced: String(detail.coalescedInto !== undefined) });
    if (others.length > 0) outcomes.inc({ outcome, coalesced: 'true' }, others.length);
    if (detail.callsSaved !== undefined) saved.inc({ because: outcome === 'skipped' ? 'skipped' : 'coalesced' }, detail.callsSaved);
    observeAge(ageMs, trace);
    for (const { item } of others) observeAge(at - item.receivedAt.getTime(), item.trace);
    const ofRow = pageId === null ? {} : { pageId, eventIds: 1 + others.length };
    logger.info(
      { eventId, type, workspaceId, databaseId, dataSourceId, ...ofRow, origin, outcome, ...detail, ageMs, ...traces },
      'event handled',
    );
    const { reason = null, coalescedInto = null } = detail;
    const path = {
      attempts,
      waitedMs,
      fetch: trail?.fetch ?? null,
      record: trail?.record ?? null,
      isUnannounced: trail?.isUnannounced ?? false,
    };
    const kept = {
      ...outcomeOf('sync-worker', event, record),
      ...traces,
      ...path,
      outcome,
      reason,
      coalescedInto,
      at: new Date(at),
    };
    if (others.length === 0) return keep(kept);
    for (let from = 0; from < others.length; from += eventsOfOutcome) {
      keep({ ...kept, others: others.slice(from, from + eventsOfOutcome).map(({ item }) => item.eventId) });
    }
  };
}
