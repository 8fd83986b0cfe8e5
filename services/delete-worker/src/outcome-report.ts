import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { WorkItem } from '@notion-mirror/event-log/lanes/work';
import { outcomeOf, type EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, type Registry } from '@notion-mirror/service-kit/metrics';
import { traceFieldsOf } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { createEventSeconds } from '@notion-mirror/worker/event-seconds';
import type { OutcomeDetail } from './handle-work.ts';
import type { RemoveResult } from './remove-entity.ts';

/** Reports each event's outcome: a log line, the metrics, and the stored outcome. */
export function createOutcomeReport(deps: {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly now: () => number;
  readonly keep: (outcome: EventOutcome) => void;
  /** With exemplars. */
  readonly tracing: Pick<Tracing, 'isOn'>;
}): (event: WorkItem<DatabaseEvent>, outcome: RemoveResult, detail: OutcomeDetail) => void {
  const { logger, metrics, now, keep, tracing } = deps;
  const outcomes = new Counter({
    name: 'notion_mirror_delete_outcomes_total',
    help: 'Delete events, by outcome.',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  const observeAge = createEventSeconds(
    { metrics, tracing },
    'notion_mirror_delete_event_seconds',
    'Time from the receipt of a delete event to its outcome.',
  );
  return function report({ item: event, record: place }, outcome, detail) {
    const { eventId, type, workspaceId, databaseId, pageId, origin } = event;
    const { handledIn: trace, ...known } = detail;
    const { reason } = detail;
    const at = now();
    const ageMs = at - event.receivedAt.getTime();
    outcomes.inc({ outcome });
    observeAge(ageMs, trace);
    const about = { eventId, type, workspaceId, databaseId, ...(pageId === null ? {} : { pageId }) };
    const line = { ...about, origin, outcome, ...(reason === null ? {} : { reason }), ageMs, ...traceFieldsOf(trace) };
    // A row may be deleted before the mirror has seen it.
    if (outcome === 'missing' && pageId === null) logger.warn(line, 'event handled: the database was not in the mirror');
    else logger.info(line, 'event handled');
    keep({ ...outcomeOf('delete-worker', event, place), ...traceFieldsOf(trace), ...known, outcome, at: new Date(at) });
  };
}
