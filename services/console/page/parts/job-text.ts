import type { JobAction, JobAnswer } from '../../src/answers/jobs.ts';
import { count, figure } from './text.ts';

type Job = Pick<JobAnswer, 'action' | 'state' | 'planned' | 'done' | 'left' | 'canary' | 'watchesUntil' | 'cameBack' | 'failure'>;

export const jobTitles: Record<JobAction, string> = {
  'dead_letters.redrive': 'Redrive dead letters',
  'dead_letters.drop': 'Drop dead letters',
  'replay.run': 'Replay',
  'replay.switch': 'Switch to the shadow',
};

/** Of a letter, a record of the log. */
function unitsOf({ action }: Pick<Job, 'action'>, n: number): string {
  return count(n, action === 'replay.run' ? 'record' : 'letter');
}

/** What the job is at, without figures that move: a screen reader hears each change. */
export function jobState(job: Pick<Job, 'state' | 'canary' | 'watchesUntil' | 'failure'>): string {
  const { state, canary, failure } = job;
  switch (state) {
    case 'running':
      return 'It runs.';
    case 'waiting':
      return canary !== null && canary.until !== null
        ? `It waits to see whether one of the first ${count(canary.letters, 'letter')} comes back.`
        : 'It waits to see whether letters come back.';
    case 'interrupted':
      return 'Its console stopped. Another one, or the same after a restart, continues it within seconds.';
    case 'stopped':
      return failure === null ? 'An operator stopped it.' : 'It stopped by itself.';
    case 'done':
      return 'It is done.';
    case 'failed':
      return 'It failed.';
  }
}

/** How far it came, and what came back. */
export function jobProgress(job: Job): string {
  const { action, planned, done, left, cameBack } = job;
  if (action === 'replay.switch') return '';
  const parts = [`${figure(done)} of ${unitsOf(job, planned)} done`];
  if (left > 0) parts.push(`${figure(left)} left`);
  if (action === 'dead_letters.redrive') {
    parts.push(cameBack.letters === 0 ? 'none came back' : `${figure(cameBack.letters)} came back`);
  }
  return `${parts.join(', ')}.`;
}

/** Of 100. */
export function jobPercent({ planned, left }: Pick<Job, 'planned' | 'left'>): number {
  return planned === 0 ? 100 : Math.floor(((planned - left) / planned) * 100);
}
