import { randomUUID } from 'node:crypto';
import type { Stage } from './scenario.ts';

/**
 * Webhooks as Nango has sent them for these customers, each with an id of its own and `padding` bytes more. Throws when none has been sent
 * yet that could be repeated. What is kept of them costs a fetch and changes nothing.
 */
export function* repeatedWebhooks({ system }: Pick<Stage, 'system'>, padding = 0): Generator<Buffer, never, void> {
  const sent = system.nango.deliveries().flatMap(({ body }) => {
    const webhook = JSON.parse(body) as { type?: string; payload?: { type?: string; entity?: { type?: string } } };
    const isKept = webhook.payload?.type === 'database.content_updated' && webhook.payload.entity?.type === 'database';
    return webhook.type === 'forward' && isKept ? [webhook] : [];
  });
  if (sent.length === 0) throw new Error('no webhook has been sent that could be repeated');
  for (let index = 0; ; index += 1) {
    const { payload, ...envelope } = sent[index % sent.length] ?? {};
    yield Buffer.from(JSON.stringify({ ...envelope, payload: { ...payload, id: randomUUID(), padding: 'x'.repeat(padding) } }));
  }
}
