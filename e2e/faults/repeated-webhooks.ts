import { randomUUID } from 'node:crypto';
import type { Stage } from './scenario.ts';

interface Webhook {
  readonly type?: string;
  readonly payload?: { readonly type?: string; readonly entity?: { readonly type?: string } };
}

const maxOriginals = 60;

/**
 * Webhooks about databases as Nango has sent them for these customers, each with an id of its own and `padding` bytes more. Waits until
 * there is one to repeat. What is kept of them costs a fetch and changes nothing.
 */
export async function repeatedWebhooks({ system, until }: Pick<Stage, 'system' | 'until'>, padding = 0): Promise<() => Buffer> {
  const sent = (): Webhook[] =>
    system.nango
      .deliveries()
      .map(({ body }) => JSON.parse(body) as Webhook)
      .filter(({ type, payload }) => type === 'forward' && payload?.entity?.type === 'database');
  await until('a webhook about a database', () => sent().length > 0);
  // The newest: how many databases there are by now is not what a storm is about.
  const originals = sent().slice(-maxOriginals);
  let index = 0;
  return () => {
    const { payload, ...envelope } = originals[index % originals.length] ?? {};
    index += 1;
    const repeated = { ...payload, id: randomUUID(), type: 'database.content_updated', padding: 'x'.repeat(padding) };
    return Buffer.from(JSON.stringify({ ...envelope, payload: repeated }));
  };
}
