import type { Logger } from '@notion-mirror/service-kit/logger';
import { placeOf } from '../log-record.ts';
import type { Lane } from './lane.ts';
import { isActive, noteFailure, type Entry } from './lane-task.ts';
import { routingOfThrow, shortBackoffMs } from './retries.ts';
import type { Timers } from './timers.ts';
import type { Route, Routing } from './work.ts';

/** Adds a record to its lane's intake, where it is routed after those before it, so that a task gets its items in the order of the log. */
export type Intake<T> = (lane: Lane<T>, entry: Entry<T>) => void;

export function createIntake<T>(deps: {
  readonly route: Route<T>;
  readonly timers: Timers;
  readonly logger: Logger;
  /** False: what is routed now has no consequences any more. */
  readonly isOpen: () => boolean;
  readonly onRetry: () => void;
  readonly onRouted: (lane: Lane<T>, entry: Entry<T>, routing: Exclude<Routing<T>, { readonly kind: 'retry' }>) => void;
  /** The intake of the lane is empty. */
  readonly onEmpty: (lane: Lane<T>) => void;
}): Intake<T> {
  const { route, timers, logger, isOpen, onRetry, onRouted, onEmpty } = deps;

  function add(lane: Lane<T>, entry: Entry<T>): void {
    lane.intake.push(entry);
    if (lane.routing === null) void routeAll(lane);
  }

  /** Does not yield while routing is synchronous. */
  async function routeAll(lane: Lane<T>): Promise<void> {
    for (let entry = lane.intake.shift(); entry !== undefined; entry = lane.intake.shift()) {
      lane.routing = entry;
      let routing: Routing<T>;
      try {
        const answer = route(entry.record);
        routing = answer instanceof Promise ? await answer : answer;
      } catch (error) {
        logger.error({ err: error, ...placeOf(entry.record) }, 'routing a record threw');
        routing = routingOfThrow(error, entry.attempts + 1);
      }
      if (!isOpen() || !isActive(entry)) continue;
      if (routing.kind === 'retry') void routeLater(lane, entry);
      else onRouted(lane, entry, routing);
    }
    lane.routing = null;
    onEmpty(lane);
  }

  async function routeLater(lane: Lane<T>, entry: Entry<T>): Promise<void> {
    noteFailure(entry);
    onRetry();
    lane.apart.add(entry);
    const isDue = await timers.sleep(shortBackoffMs(entry.attempts));
    if (isDue && lane.apart.delete(entry)) add(lane, entry);
  }

  return add;
}
