import { checkConfiguration } from '@notion-mirror/operations/config-report';
import { diagnose } from '@notion-mirror/operations/doctor/checks';
import { gatherFacts } from '@notion-mirror/operations/doctor/gather-facts';
import { z } from 'zod';
import type { ConfigAnswer, DoctorAnswer } from '../answers/doctor.ts';
import { answering, streaming, type Route } from '../http/route.ts';
import { createSampler } from '../overview/sampler.ts';
import type { ConsoleParts } from '../parts.ts';

const anything = z.object({});
/** A run asks every server, Nango and Notion included. */
const sampleMs = 5_000;

export function doctorRoutes({ context, env }: Pick<ConsoleParts, 'context' | 'env'>): Route[] {
  const run = createSampler(sampleMs, async (): Promise<DoctorAnswer> => {
    const checks = diagnose(await gatherFacts(context, { env, ingressUrl: null }));
    const number = (status: string): number => checks.filter((check) => check.status === status).length;
    return { problems: number('problem'), warnings: number('warning'), checks };
  });
  return [
    streaming({ method: 'GET', path: '/api/doctor', role: 'viewer' }, anything, async function* () {
      yield { event: 'checks', data: await run() };
      yield { event: 'done', data: {} };
    }),
    answering({ method: 'GET', path: '/api/config', role: 'viewer' }, anything, async (): Promise<ConfigAnswer> =>
      Promise.resolve(checkConfiguration(env)),
    ),
  ];
}
