import type { Watchdog } from '@notion-mirror/local-stack/watchdog';
import { z } from 'zod';
import { runTask } from '../children.ts';
import type { Sender, Subject } from '../webhooks.ts';

const sentSchema = z.object({
  sent: z.array(z.object({ eventId: z.string(), id: z.string(), sentAt: z.number(), ackMs: z.number() })),
  cpuSeconds: z.number(),
});

/** `id`: of the row, or of the database. `sentAt`: epoch ms. `cpuSeconds`: CPU time of the load itself. */
export type SentWebhooks = z.infer<typeof sentSchema>;

/** Sends a webhook for each event, in this order, and resolves when all are accepted. Rejects when one is not. */
export async function sendWebhooks(
  watchdog: Watchdog,
  signingKey: string,
  task: {
    readonly url: string;
    readonly connections: number;
    /** Webhooks a second; null: as fast as they are answered. */
    readonly rate: number | null;
    readonly events: readonly (Sender & Subject)[];
  },
): Promise<SentWebhooks> {
  return sentSchema.parse(await runTask(watchdog, 'load/webhook-sender.ts', task, { BENCH_SIGNING_KEY: signingKey }));
}
