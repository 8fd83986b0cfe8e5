import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { WorkItem } from '@notion-mirror/event-log/lanes/work';
import { outcomeOf, type EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Counter, type Registry } from '@notion-mirror/service-kit/metrics';
import { createEventSeconds } from '@notion-mirror/worker/event-seconds';
import type { OutcomeDetail, SyncOutcome } from './handle-work.ts';

/** Reports the outcome of each event: one log line, the metrics, and the stored outcome. */
export function createOutcomeReport(deps: {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly now: () => number;
  readonly keep: (outcome: EventOutcome) => void;
}): (event: WorkItem<DatabaseEvent>, outcome: SyncOutcome, detail: OutcomeDetail) => void {
  const { logger, metrics, now, keep } = deps;
  const outcomes = new Counter({
    name: 'notion_mirror_sync_outcomes_total',
    help: "Sync events, by outcome. Coalesced: answered by another event's fetch.",
    labelNames: ['outcome', 'coalesced'],
    registers: [metrics],
  });
  const observeAge = createEventSeconds(metrics, 'notion_mirror_sync_event_seconds', 'From the receipt of a sync event to its outcome.');
  const saved = new Counter({
    name: 'notion_mirror_notion_calls_saved_total',
    help: 'Calls to Notion that events saved: the fetch of another event answered them (coalesced), or a fetch begun after their receipt (skipped).',
    labelNames: ['because'],
    registers: [metrics],
  });
  return function report({ item: event, record }, outcome, { trail, attempts, waitedMs, ...detail }) {
    const { eventId, type, workspaceId, databaseId, dataSourceId, pageId, origin } = event;
    const at = now();
    const ageMs = at - event.receivedAt.getTime();
    outcomes.inc({ outcome, coalesced: String(detail.coalescedInto !== undefined) });
    if (detail.callsSaved !== undefined) saved.inc({ because: outcome === 'skipped' ? 'skipped' : 'coalesced' }, detail.callsSaved);
    observeAge(ageMs);
    const about = { eventId, type, workspaceId, databaseId, dataSourceId, ...(pageId === null ? {} : { pageId }) };
    logger.info({ ...about, origin, outcome, ...detail, ageMs }, 'event handled');
    const { reason = null, coalescedInto = null } = detail;
    const path = {
      attempts,
      waitedMs,
      fetch: trail?.fetch ?? null,
      record: trail?.record ?? null,
      isUnannounced: trail?.isUnannounced ?? false,
    };
    keep({ ...outcomeOf('sync-worker', event, record), ...path, outcome, reason, coalescedInto, at: new Date(at) });
  };
}
