import { setTimeout as delay } from 'node:timers/promises';
import type { LogRange } from '@notion-mirror/event-log/range-reader';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { JobPlan, OperatorJob } from '@notion-mirror/mirror-store/operator-jobs';
import { carryOut, newProgress, remainingOf } from '../dead-letters/carry-out.ts';
import { watchCameBack } from '../dead-letters/came-back.ts';
import { destinationsOf } from '../dead-letters/settle-letters.ts';
import { openDeadLetterTopic, type Letter } from '../dead-letters/topic.ts';
import { messageOf } from '../error-text.ts';
import { parsePlace } from '../log-place.ts';
import type { OperationContext } from '../operation-context.ts';
import { openPublisher } from '../servers.ts';
import { count } from '../text.ts';
import { jobDone, jobStopped, type JobControl, type JobResult } from './job-work.ts';

type LettersPlan = Extract<JobPlan, { readonly kind: 'letters' }>;

/** How long it waits at most for what becomes of letters. */
const watchMs = 60_000;
const lookMs = 1_000;
/** Letters that one consumer reads: at any rate they take less than its session. */
const sliceSeconds = 60;
const mostInSlice = 2_000;
/** Letters are handed over ten times a second. */
const partsPerSecond = 10;

/**
 * Settles exactly the letters of a plan that still wait, at its rate: first those of the canary, and the rest when none of them has come back. Then it watches which
 * ones come back. To continue a job, it is run again: what is settled is skipped. Rejects with what Kafka and MongoDB reject with, or when `lost` aborts.
 */
export async function runLettersJob(
  context: OperationContext,
  db: Mongo['db'],
  job: OperatorJob,
  plan: LettersPlan,
  { control, ingressUrl }: { readonly control: JobControl; readonly ingressUrl: string | null },
): Promise<JobResult> {
  const { stopping, lost } = control;
  const { action, canary, perSecond } = plan;
  const { redact, logger } = context;
  const done = action === 'drop' ? 'dropped' : 'redriven';
  const topic = openDeadLetterTopic({ ...context, signal: lost }, db);
  const { destinations } = await destinationsOf(context, db, ingressUrl);
  const progress = newProgress();
  const watch = watchCameBack(db, topic, plan.ends);
  const all = { refs: new Set(plan.refs) };
  let { isCanaryOver } = job.progress;
  let seen = 0;
  let goesAt = 0;

  const publisher = action === 'redrive' ? await openPublisher(context) : null;
  try {
    for (const { refs, isCanary } of slicesOf(plan)) {
      seen = 0;
      const ranges = rangesOf(refs, await topic.ends());
      const part = { action, ranges, refs: new Set(refs) };
      await carryOut(part, progress, { letters: topic, destinations, publisher, signal: lost, onProgress: report, pace: paced, onLetter });
      if (progress.failure !== null) {
        const failure = { code: 'stopped_early', message: `stopped at ${redact(progress.failure)}`, remedy: 'it can be continued' };
        return { outcome: 'stopped', failure };
      }
      if (stopping.aborted) return jobStopped;
      // Settled by another command, and removed from the topic.
      progress.settledMeanwhile += refs.length - seen;
      report();
      if (!isCanary || isCanaryOver) continue;
      await known('canaryUntil', true);
      if (stopping.aborted) return jobStopped;
      isCanaryOver = true;
      report();
      if (watch.causes.letters > 0 && remainingOf(all, progress) > 0) return cameBack(watch.causes.letters, canary);
    }
    if (action === 'redrive') await known('watchesUntil', false);
  } finally {
    await publisher?.stop();
  }
  await tidyUp();
  return jobDone;

  function onLetter(letter: Letter): void {
    seen += 1;
    watch.add(letter);
    const { settlement } = letter;
    if (settlement?.action !== done || settlement.at < job.at) return;
    // By this job, before it was continued.
    progress.settledMeanwhile -= 1;
    progress.done += 1;
  }

  async function* paced(waiting: readonly Letter[]): AsyncGenerator<readonly Letter[]> {
    const size = Math.max(1, Math.floor(perSecond / partsPerSecond));
    for (let at = 0; at < waiting.length; at += size) {
      const waitMs = goesAt - performance.now();
      if (waitMs > 0) await delay(waitMs, undefined, { signal: lost });
      if (stopping.aborted) return;
      lost.throwIfAborted();
      const some = waiting.slice(at, at + size);
      goesAt = Math.max(goesAt, performance.now()) + (some.length * 1_000) / perSecond;
      yield some;
    }
  }

  /** Waits until it is known what has become of every letter, or one has come back, or for a minute. */
  async function known(until: 'canaryUntil' | 'watchesUntil', endsWithFirst: boolean): Promise<void> {
    const end = performance.now() + watchMs;
    control.report({ progress: { [until]: new Date(Date.now() + watchMs) } });
    for (;;) {
      await watch.look();
      report();
      if (watch.pending === 0 || (endsWithFirst && watch.causes.letters > 0) || performance.now() >= end) break;
      await delay(lookMs, undefined, { signal: AbortSignal.any([stopping, lost]) }).catch(() => {});
      lost.throwIfAborted();
      if (stopping.aborted) break;
    }
    control.report({ progress: { [until]: null } });
  }

  function report(): void {
    const left = remainingOf(all, progress);
    const { unreadable, settledMeanwhile, stayed } = progress;
    control.report({
      progress: {
        done: plan.refs.length - left,
        left,
        failed: stayed.length,
        isCanaryOver,
        cameBack: watch.causes.list().map(({ tenants, message: _text, settled: _none, ...cause }) => ({ ...cause, tenants: tenants.size })),
      },
      counts: {
        [done]: progress.done,
        unreadable,
        settledMeanwhile,
        stayed: stayed.length,
        remaining: left,
        cameBack: watch.causes.letters,
      },
    });
  }

  async function tidyUp(): Promise<void> {
    try {
      if (progress.done > 0) await topic.removeSettled(await topic.ends());
    } catch (error) {
      lost.throwIfAborted();
      // They are settled all the same, and the next command removes them.
      logger.warn({ err: error, why: redact(messageOf(error)) }, 'settled dead letters stay on the topic');
    }
  }
}

function cameBack(letters: number, canary: number): JobResult {
  const message = `${count(letters, 'letter')} of the first ${canary} came back as ${letters === 1 ? 'a new dead letter' : 'new dead letters'}: the cause is still there`;
  return {
    outcome: 'stopped',
    failure: { code: 'came_back', message, remedy: 'fix the cause first; continuing settles the rest all the same' },
  };
}

interface Slice {
  readonly refs: readonly string[];
  readonly isCanary: boolean;
}

/** The canary, and then as many letters at a time as a consumer may take. */
function slicesOf({ refs, canary, perSecond }: LettersPlan): Slice[] {
  const size = Math.min(mostInSlice, perSecond * sliceSeconds);
  const slices: Slice[] = canary === 0 ? [] : [{ refs: refs.slice(0, canary), isCanary: true }];
  for (let at = canary; at < refs.length; at += size) slices.push({ refs: refs.slice(at, at + size), isCanary: false });
  return slices;
}

/** The smallest ranges with these letters, as far as they are still on the topic. */
function rangesOf(refs: readonly string[], ends: readonly LogRange[]): LogRange[] {
  const places = refs.flatMap((ref) => parsePlace(ref) ?? []);
  return [...Map.groupBy(places, ({ partition }) => partition)].flatMap(([partition, own]) => {
    const offsets = own.map(({ offset }) => offset);
    const first = offsets.reduce((a, b) => (b < a ? b : a));
    const last = offsets.reduce((a, b) => (b > a ? b : a));
    const end = ends.find((one) => one.partition === partition);
    if (end === undefined || end.to <= first || end.from > last) return [];
    return [{ partition, from: first > end.from ? first : end.from, to: last + 1n }];
  });
}
