import { setTimeout as delay } from 'node:timers/promises';
import { createReplays } from '@notion-mirror/mirror-store/replays';
import { z } from 'zod';
import type { JobAnswer } from '../answers/jobs.ts';
import { answering, Refusal, streaming, type Route, type StreamMessage } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import { hasEnded, jobAnswer } from '../views/job-view.ts';

const everyMs = 500;

const params = z.object({ id: z.string().regex(/^[0-9a-f]{24}$/, 'the id of a job') });
const oneInput = z.object({ params });
const actInput = z.object({ params, body: z.object({}) });

/** Reads a job for a person. Rejects with a Refusal when there is none. */
export type ViewJob = (id: string) => Promise<JobAnswer>;

export function createJobViews({ db, jobs }: Pick<ConsoleParts, 'db' | 'jobs'>): ViewJob {
  const replays = createReplays(db);
  return async (id) => {
    const job = await jobs.view(id);
    if (job === null) throw new Refusal(404, 'not_found', 'There is no such job.', 'mirror audit list');
    return jobAnswer(job, job.replayId === null ? null : await replays.get(job.replayId));
  };
}

export function jobRoutes({ jobs }: Pick<ConsoleParts, 'jobs'>, viewJob: ViewJob): Route[] {
  return [
    answering({ method: 'GET', path: '/api/jobs/:id', role: 'viewer' }, oneInput, async ({ params: { id } }): Promise<JobAnswer> =>
      viewJob(id),
    ),

    streaming({ method: 'GET', path: '/api/jobs/:id/stream', role: 'viewer' }, oneInput, ({ params: { id } }, { signal }) =>
      follow(id, signal),
    ),

    answering(
      { method: 'POST', path: '/api/jobs/:id/stop', role: 'operator' },
      actInput,
      async ({ params: { id } }): Promise<JobAnswer> => {
        const job = await viewJob(id);
        if (!job.canStop || !(await jobs.stop(id))) throw notPossible('It does not run, or it cannot be stopped.');
        return viewJob(id);
      },
    ),

    answering(
      { method: 'POST', path: '/api/jobs/:id/continue', role: 'operator' },
      actInput,
      async ({ params: { id } }): Promise<JobAnswer> => {
        const job = await viewJob(id);
        if (!job.canContinue || !(await jobs.continue(id))) throw notPossible('It is not stopped.');
        return viewJob(id);
      },
    ),
  ];

  async function* follow(id: string, signal: AbortSignal): AsyncGenerator<StreamMessage> {
    let sent = '';
    for (;;) {
      const job = await viewJob(id);
      const text = JSON.stringify(job);
      if (text !== sent) yield { event: 'job', data: job };
      sent = text;
      if (hasEnded(job)) break;
      await delay(everyMs, undefined, { signal });
    }
    yield { event: 'done', data: {} };
  }
}

function notPossible(message: string): Refusal {
  return new Refusal(409, 'not_possible', message);
}
