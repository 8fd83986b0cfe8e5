// Sends signed webhooks, one for each event, at a rate or as fast as they are answered, and reports when each was sent and when it was accepted.
// A process of its own. In: a task as JSON on stdin, the signing key in BENCH_SIGNING_KEY. Out: JSON on stdout.
import { setTimeout as delay } from 'node:timers/promises';
import { json } from 'node:stream/consumers';
import { createPoster } from '@notion-mirror/emulators/http/post';
import { z } from 'zod';
import { signedWebhook } from '../webhooks.ts';

const key = z.string().parse(process.env['BENCH_SIGNING_KEY']);
const task = z
  .object({
    url: z.url({ hostname: /^127\.0\.0\.1$/ }),
    connections: z.number().int().max(1_024),
    /** Webhooks a second; null: as fast as they are answered. */
    rate: z.number().nullable(),
    /** One webhook each, in this order. */
    events: z
      .array(
        z.object({
          connectionId: z.string(),
          notionWorkspaceId: z.string(),
          botId: z.string(),
          databaseId: z.string(),
          row: z.object({ pageId: z.string(), dataSourceId: z.string() }).optional(),
        }),
      )
      .max(100_000),
  })
  .parse(await json(process.stdin));

const deadlineMs = 30_000;
const poster = createPoster({ maxConcurrent: task.connections });
// Signed before the clock starts: the sender is not what is measured.
const webhooks = task.events.map(({ databaseId, row, ...sender }) => ({
  id: row?.pageId ?? databaseId,
  ...signedWebhook(sender, key, { databaseId, row }),
}));
const startedAt = Date.now();

async function send(index: number, { eventId, id, body, headers }: (typeof webhooks)[number]) {
  if (task.rate !== null) await delay(Math.max(0, startedAt + (index * 1_000) / task.rate - Date.now()));
  const sentAt = Date.now();
  const began = performance.now();
  const result = await poster.post(task.url, headers, Buffer.from(body), deadlineMs);
  if (result.kind !== 'answer' || result.status !== 200) throw new Error(`a webhook was not accepted: ${JSON.stringify(result)}`);
  return { eventId, id, sentAt, ackMs: performance.now() - began };
}

/** All take from one queue: that many webhooks are in flight. */
const queue = webhooks.entries();
const sent: Awaited<ReturnType<typeof send>>[] = [];
async function sendSome(): Promise<void> {
  for (const [index, webhook] of queue) sent.push(await send(index, webhook));
}
await Promise.all(Array.from({ length: task.connections }, sendSome));
poster.close();
const { user, system } = process.cpuUsage();
process.stdout.write(JSON.stringify({ sent, cpuSeconds: (user + system) / 1e6 }));
