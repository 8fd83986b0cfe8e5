import type { Logger } from '@notion-mirror/service-kit/logger';
import type { Run } from './lane.ts';
import type { Part } from './lane-queue.ts';
import type { Entry } from './lane-task.ts';
import type { Setback } from './retries.ts';
import type { Fate, Grouping, GroupOutcome, GroupRules, Handle, WorkItem } from './work.ts';

/** How a run ended: with a fate for each of its entries, or with the same for all of its tasks. */
export type Ending<T> = Sorted<T> | Setback | { readonly kind: 'threw'; readonly error: unknown };

export interface Sorted<T> extends Pick<GroupOutcome<T>, 'until' | 'gathers'> {
  readonly kind: 'done';
  readonly fateOf: (entry: Entry<T>) => Fate;
}

const allDone: Sorted<unknown> = { kind: 'done', fateOf: () => 'done', until: null, gathers: false };

/** Without groups every task runs by itself. */
const noGroups = <T>(): Grouping<T> => ({
  isMany: () => false,
  maxRecords: Number.POSITIVE_INFINITY,
  handle: () => Promise.reject(new Error('no tasks are handed over together')),
  supersede: () => [],
});

/** Hands a run to the handler of single tasks or to that of groups. Never rejects. */
export function createHandlerCall<T>(deps: {
  readonly handle: Handle<T>;
  readonly groups?: Grouping<T> | undefined;
  readonly signal: AbortSignal;
  readonly logger: Logger;
}): {
  readonly rules: GroupRules;
  readonly call: (lane: string, run: Run<T>) => Promise<Ending<T>>;
  /** Of the waiting entries of one task, those that have ended because newer ones will answer them. */
  readonly supersede: (entries: readonly Entry<T>[]) => readonly Entry<T>[];
} {
  const { handle, groups = noGroups<T>(), signal, logger } = deps;

  async function handOver(lane: string, run: Run<T>): Promise<Ending<T>> {
    if (run.group === null) {
      const [{ task, entries }] = run.parts;
      const outcome = await handle({ lane, task: task.name, items: entries.map(itemOf), attempt: attemptOf(entries), signal });
      return outcome.kind === 'done' ? allDone : outcome;
    }
    const items = new Map(run.parts.flatMap(({ entries }) => entries.map((entry) => [entry, itemOf(entry)])));
    const outcome = await groups.handle({
      lane,
      group: run.group,
      items: [...items.values()],
      alone: run.alone,
      isSurplus: run.isSurplus,
      signal,
    });
    const fates = new Map([...items].map(([entry, item]) => [entry, outcome.fateOf(item)]));
    return { ...outcome, kind: 'done', fateOf: (entry) => fates.get(entry) ?? 'alone' };
  }

  return {
    rules: { isMany: groups.isMany, maxRecords: groups.maxRecords },
    supersede(entries) {
      const items = new Map(entries.map((entry) => [itemOf(entry), entry]));
      return groups.supersede([...items.keys()]).flatMap((item) => items.get(item) ?? []);
    },
    async call(lane, run) {
      try {
        return await handOver(lane, run);
      } catch (error) {
        const tasks = run.parts.slice(0, 3).map(({ task }) => task.name);
        logger.error({ err: error, lane, group: run.group, tasks, items: entriesOf(run).length }, 'the handler threw');
        return { kind: 'threw', error };
      }
    },
  };
}

export function entriesOf<T>({ parts }: { readonly parts: readonly Part<T>[] }): Entry<T>[] {
  return parts.flatMap(({ entries }) => entries);
}

function itemOf<T>({ record, item, takenAt }: Entry<T>): WorkItem<T> {
  return { record, item: item as T, takenAt };
}

function attemptOf(entries: readonly { readonly attempts: number }[]): number {
  return 1 + entries.reduce((most, { attempts }) => Math.max(most, attempts), 0);
}
