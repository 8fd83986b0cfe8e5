import type { Lane } from './lane.ts';
import { markSurplus, recount, rejoin } from './lane-queue.ts';
import type { Entry, Task } from './lane-task.ts';

/** Of all groups of a lane together, in multiples of what one may have; beyond the first, the largest are handed over until the second is left. */
const mostOfGroups = 3;
const leftOfGroups = 2;

/**
 * Keeps what waits in a lane within bounds, however it is spread over tasks and groups. Only counts after each half of the limit of a group of records that
 * have joined. True: more may start because of it.
 */
export function endSurplus<T>(lane: Lane<T>, supersede: (entries: readonly Entry<T>[]) => readonly Entry<T>[]): boolean {
  if (lane.joined < lane.rules.maxRecords / 2) return false;
  lane.joined = 0;
  const haveRejoined = limitUncounted(lane, supersede);
  return limitGroups(lane) || haveRejoined;
}

/**
 * The limit for tasks that do not count for that of their group. When as many of their records wait as a group may have, all that newer ones will answer end:
 * `supersede` returns those of one task. If too many are left even so, the tasks that do not run count for their groups again. True: they do.
 */
function limitUncounted<T>(lane: Lane<T>, supersede: (entries: readonly Entry<T>[]) => readonly Entry<T>[]): boolean {
  const { maxRecords } = lane.rules;
  const uncounted = [...lane.tasks.values()].filter(isUncounted);
  if (recordsOf(uncounted) < maxRecords) return false;
  for (const task of uncounted) if (task.waiting.length > 1) trim(task, supersede(task.waiting));
  lane.queues.forEach(recount);
  const idle = uncounted.filter(({ state, home }) => state !== 'busy' && home !== null);
  if (recordsOf(idle) < maxRecords) return false;
  for (const queue of lane.queues) rejoin(queue, new Set(idle.filter(({ rank }) => rank === queue.rank)));
  return true;
}

/** The limit for many groups, none of which is full. True: some are handed over. */
function limitGroups<T>({ queues, rules: { maxRecords } }: Lane<T>): boolean {
  const groups = queues
    .flatMap((queue) => [...queue.groups.values()].map((group) => ({ queue, group })))
    .filter(({ group }) => group.name !== null);
  let left = groups.reduce((sum, { group }) => sum + group.records, 0);
  if (left < mostOfGroups * maxRecords) return false;
  for (const { queue, group } of groups.toSorted((a, b) => b.group.records - a.group.records)) {
    if (left <= leftOfGroups * maxRecords) break;
    markSurplus(queue, group);
    left -= group.records;
  }
  return true;
}

/** It runs, waits for a retry of its own, has failed, or runs by itself only. */
function isUncounted({ state, isFailing, group }: Task<unknown>): boolean {
  return state === 'busy' || state === 'held' || (state === 'ready' && (isFailing || group === null));
}

function recordsOf(tasks: readonly Task<unknown>[]): number {
  return tasks.reduce((sum, { waiting }) => sum + waiting.length, 0);
}

/** What is left has failed as often as what has ended. */
function trim<T>(task: Task<T>, ended: readonly Entry<T>[]): void {
  const gone = new Set(ended);
  const left = task.waiting.filter((entry) => !gone.has(entry));
  const attempts = ended.reduce((most, entry) => Math.max(most, entry.attempts), 0);
  const firstFailedAt = ended.find((entry) => entry.firstFailedAt !== null)?.firstFailedAt ?? null;
  for (const entry of left) {
    entry.attempts = Math.max(entry.attempts, attempts);
    entry.firstFailedAt ??= firstFailedAt;
  }
  task.waiting = left;
  for (const { claim } of ended) claim.settle();
}
