import type { Watchdog } from '@notion-mirror/local-stack/watchdog';
import { z } from 'zod';
import { runTask } from '../children.ts';
import type { SignedWebhook } from '../webhooks.ts';

const resultSchema = z.object({
  accepted: z.number(),
  others: z.number(),
  perSecond: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  /** CPU time of the load itself. */
  cpuSeconds: z.number(),
});

export type HttpLoadResult = z.infer<typeof resultSchema>;

/** Rejects when a request was not answered with 2xx. */
export async function loadWithWebhooks(
  watchdog: Watchdog,
  task: {
    readonly url: string;
    readonly connections: number;
    readonly seconds: number;
    readonly requests: readonly SignedWebhook[];
  },
): Promise<HttpLoadResult> {
  const result = resultSchema.parse(await runTask(watchdog, 'load/http-load.ts', task));
  if (result.others > 0) throw new Error(`${result.others} of ${result.accepted + result.others} webhooks were not accepted`);
  return result;
}
