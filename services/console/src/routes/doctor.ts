import { checkConfiguration } from '@notion-mirror/operations/config-report';
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
    // It asks Notion, Nango and the registry, whose clients take 11 MB.
    const { gatherFacts } = await import('@notion-mirror/operations/doctor/gather-facts');
    const { diagnose } = await import('@notion-mirror/operations/doctor/checks');
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
