import { randomUUID } from 'node:crypto';
import type { Stage } from './scenario.ts';

interface Webhook {
  readonly type?: string;
  readonly payload?: { readonly type?: string; readonly entity?: { readonly type?: string } };
}

const maxOriginals = 60;

/**
 * Repeats of webhooks that Nango has sent about these customers' databases, each with its own id and `padding` extra bytes. Waits until there
 * is one to repeat. An accepted repeat costs a fetch and changes nothing.
 */
export async function repeatedWebhooks({ system, until }: Pick<Stage, 'system' | 'until'>, padding = 0): Promise<() => Buffer> {
  const sent = (): Webhook[] =>
    system.nango
      .deliveries()
      .map(({ body }) => JSON.parse(body) as Webhook)
      .filter(({ type, payload }) => type === 'forward' && payload?.entity?.type === 'database');
  await until('a webhook about a database', () => sent().length > 0);
  // The newest only: the number of databases so far must not influence a storm.
  const originals = sent().slice(-maxOriginals);
  let index = 0;
  return () => {
    const { payload, ...envelope } = originals[index % originals.length] ?? {};
    index += 1;
    const repeated = { ...payload, id: randomUUID(), type: 'database.content_updated', padding: 'x'.repeat(padding) };
    return Buffer.from(JSON.stringify({ ...envelope, payload: repeated }));
  };
}
