import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import type { Parked, ParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { startRepeating, type Repeating } from '@notion-mirror/service-kit/async/repeating';

/** A safety net: no change announces an event that was parked just as its connection became active. */
const everyMs = 30_000;
/** An event that was parked for longer begins a new trace: no reader expects the end of one so late. */
const sameTraceMs = 3_600_000;

/** Re-appends parked events of tenants with an active connection. Runs in every sync-worker; workers handle a duplicate safely. */
export function startParkedRelease(deps: {
  readonly connections: Pick<ConnectionDirectory, 'activeByWorkspace' | 'onChange'>;
  readonly parked: Pick<ParkedEvents, 'workspaces' | 'release'>;
  readonly append: (event: DatabaseEvent, accessibleBy: readonly string[]) => Promise<void>;
  readonly tracing: Pick<Tracing, 'newTrace'>;
  readonly now: () => number;
  readonly logger: Logger;
}): Repeating {
  const { connections, parked, append, tracing, now, logger } = deps;

  function appendAgain({ event, accessibleBy, parkedAt }: Parked): Promise<void> {
    const isOfTrace = event.trace !== undefined && now() - parkedAt.getTime() < sameTraceMs;
    return append(isOfTrace ? event : { ...event, trace: tracing.newTrace() }, accessibleBy);
  }

  const release = startRepeating({
    everyMs,
    async turn(signal) {
      for (const workspaceId of await parked.workspaces()) {
        if (signal.aborted) return;
        if (connections.activeByWorkspace(workspaceId).length === 0) continue;
        const released = await parked.release(workspaceId, appendAgain);
        if (released > 0) logger.info({ workspaceId, events: released }, 'parked events appended again');
      }
    },
    onFailure: (error) => logger.warn({ err: error }, 'cannot append parked events; retrying'),
  });
  const unsubscribe = connections.onChange(({ connection }) => {
    if (connection?.status === 'active') release.nudge();
  });
  return {
    nudge: () => release.nudge(),
    stop() {
      unsubscribe();
      return release.stop();
    },
  };
}
