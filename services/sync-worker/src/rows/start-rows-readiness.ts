import { openRowsReadiness, readinessPollMs } from '@notion-mirror/mirror-store/rows-readiness';
import { openRowsSwitch, type SwitchedOn } from '@notion-mirror/mirror-store/rows-switch';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import type { Worker } from '@notion-mirror/worker/run-worker';

/** By then every ingress that reaches MongoDB has seen the switch, so no event is ignored any more. */
const settledMs = 3 * readinessPollMs;
/** A worker of the previous version that could not report either does so by then. */
const afterFailureMs = 10_000;

/**
 * Turns the switch of rows on as soon as every worker knows rows. The result says since when rows may be scanned (MongoDB's clock); null: not yet,
 * or MIRROR_ROWS is off. Events before that time were ignored, also those of changes that a query does not show yet.
 */
export async function startRowsReadiness({ config, db, logger, available, onStopBriefly }: Worker): Promise<() => Date | null> {
  if (config.rows === 'off') return () => null;
  const rows = openRowsSwitch(db);
  const check = async () => scannableSince(await rows.turnOnWhenPossible());
  const readiness = await available('the switch of rows', () =>
    openRowsReadiness({ check, logger, sleep: systemClock.sleep, afterFailureMs }),
  );
  onStopBriefly('the switch of rows', readiness);
  return () => readiness.since();
}

/** Since when rows may be scanned. */
export function scannableSince(on: SwitchedOn | null): Date | null {
  return on !== null && on.forMs >= settledMs ? on.since : null;
}
