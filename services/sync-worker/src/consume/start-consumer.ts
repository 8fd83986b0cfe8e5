import type { LaneConsumer } from '@notion-mirror/event-log/lanes/lane-consumer';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import type { Worker } from '@notion-mirror/worker/run-worker';
import { openProcessSpans } from '@notion-mirror/worker/process-spans';
import { createWorkerConsumer } from '@notion-mirror/worker/worker-consumer';
import type { OpenEntity } from '../mirrored-entity.ts';
import { createAwaitedEvents, type AwaitedEvents } from './awaited-events.ts';
import { createFloodHandler, type RowFloods } from './floods.ts';
import { createWorkHandler } from './handle-work.ts';
import { createOutcomeReport } from './outcome-report.ts';
import { startParkedRelease } from './parked-release.ts';
import { newWantedTrace, startWantedTrace } from './wanted-trace.ts';
import { createRecheck } from './recheck-connections.ts';

/** Starts the consumer of sync events, with the function by which a sweep appends an event and waits for it. */
export function startConsumer(
  worker: Worker,
  parts: { readonly connections: ConnectionDirectory; readonly entities: readonly OpenEntity[]; readonly floodEvents: number },
): { readonly consumer: LaneConsumer; readonly awaitedEvents: AwaitedEvents } {
  const { logger, metrics, tracing, db, outcomes, append } = worker;
  const { connections, entities, floodEvents } = parts;
  const parked = createParkedEvents(db);
  const parkedRelease = startParkedRelease({ connections, parked, append, tracing, now: Date.now, logger });
  worker.onStopBriefly('parked events', parkedRelease);
  const awaitedEvents = createAwaitedEvents({ append: (event) => append(event, []), longestWaitMs: 300_000 });
  const spans = openProcessSpans(worker);
  const reportOutcome = createOutcomeReport({ logger, metrics, now: Date.now, keep: outcomes.keep, spans, tracing });
  const report: typeof reportOutcome = (event, outcome, detail) => {
    reportOutcome(event, outcome, detail);
    for (const { item } of [event, ...(detail.others ?? [])]) awaitedEvents.settle(item, 'handled');
  };
  const sweeps = createSweepLedger(db);

  async function wantSweep(workspaceId: string, handledIn: string | undefined): Promise<string | null> {
    const own = newWantedTrace(tracing, handledIn);
    const trace = await sweeps.requestForEvents(workspaceId, own);
    if (trace === own) startWantedTrace(tracing, 'want sweep', own, { workspaceId, handledIn });
    return trace;
  }

  const consumer = createWorkerConsumer(worker, {
    action: 'sync',
    handle: createWorkHandler({
      // A sweep stops waiting at the first retry: events that never succeed would occupy its few places in flight.
      retrying: (event) => awaitedEvents.settle(event.item, 'failing'),
      entities,
      spans,
      now: Date.now,
      recheckConnections: createRecheck(connections),
      park: async (events) => {
        for (const { event, accessibleBy } of events) await parked.park(event, accessibleBy);
        parkedRelease.nudge();
      },
      report,
    }),
    groups: createFloodHandler({
      floodEvents,
      rowFloods: entities.find(({ rowFloods }) => rowFloods !== undefined)?.rowFloods ?? withoutRows,
      wantSweep,
      report,
      spans,
      now: Date.now,
    }),
    prepare: (owned) => connections.hold(owned),
    onDead: (record) => awaitedEvents.settle({ workspaceId: String(record.key), eventId: record.headers['ce_id'] ?? '' }, 'handled'),
    stopShare: 0.5,
  });
  return { consumer, awaitedEvents };
}

/** Each of their events ends by itself, as ignored. */
const withoutRows: RowFloods = ({ items }) => Promise.resolve({ ended: [], alone: items, until: null, gathers: false });
