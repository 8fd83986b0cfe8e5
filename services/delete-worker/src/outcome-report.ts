import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { WorkItem } from '@notion-mirror/event-log/lanes/work';
import { outcomeOf, type EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, Histogram, type Registry } from '@notion-mirror/service-kit/metrics';
import type { OutcomeDetail } from './handle-work.ts';
import type { RemoveResult } from './remove-entity.ts';

/** Reports each event's outcome: a log line, the metrics, and the stored outcome. */
export function createOutcomeReport(deps: {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly now: () => number;
  readonly keep: (outcome: EventOutcome) => void;
}): (event: WorkItem<DatabaseEvent>, outcome: RemoveResult, detail: OutcomeDetail) => void {
  const { logger, metrics, now, keep } = deps;
  const outcomes = new Counter({
    name: 'notion_mirror_delete_outcomes_total',
    help: 'Delete events, by outcome.',
    labelNames: ['outcome'],
    registers: [metrics],
  });
  const seconds = new Histogram({
    name: 'notion_mirror_delete_event_seconds',
    help: 'Time from the receipt of a delete event to its outcome.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800],
    registers: [metrics],
  });
  return function report({ item: event, record: place }, outcome, detail) {
    const { eventId, type, workspaceId, databaseId, origin } = event;
    const at = now();
    const ageMs = at - event.receivedAt.getTime();
    outcomes.inc({ outcome });
    seconds.observe(Math.max(0, ageMs) / 1000);
    const line = { eventId, type, workspaceId, databaseId, origin, outcome, ageMs };
    if (outcome === 'missing') logger.warn(line, 'event handled: the database was not in the mirror');
    else logger.info(line, 'event handled');
    keep({ ...outcomeOf('delete-worker', event, place), ...detail, outcome, reason: null, at: new Date(at) });
  };
}
