import type { Mongo } from '@notion-mirror/mirror-store/client';
import { openRowsReadiness, type RowsReadiness } from '@notion-mirror/mirror-store/rows-readiness';
import { openRowsSwitch } from '@notion-mirror/mirror-store/rows-switch';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import type { Logger } from '@notion-mirror/service-kit/logger';

/** Events about rows may be appended as soon as the switch is on. Rejects with a `StoreUnavailableError` if that cannot be read at first. */
export function followRowsSwitch(db: Mongo['db'], logger: Logger): Promise<RowsReadiness> {
  const rows = openRowsSwitch(db);
  const check = async () => (await rows.read())?.since ?? null;
  return openRowsReadiness({ check, logger, sleep: systemClock.sleep });
}
