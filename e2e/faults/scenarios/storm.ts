import { randomUUID } from 'node:crypto';
import { webhookHeaders } from '@notion-mirror/emulators/nango/headers';
import type { Scenario, Stage } from '../scenario.ts';

const requests = 4_000;
const atOnce = 600;
/** Far below what the requests hold together: 4,000 bodies of 64 KB are 250 MB. */
const allowedMb = 450;

/** Webhooks as Nango has sent them for these customers, each with an id of its own and a body that weighs something. */
function* webhooks({ system }: Stage): Generator<Buffer, void, void> {
  const sent = system.nango.deliveries().flatMap(({ body }) => {
    const webhook = JSON.parse(body) as { type?: string; payload?: { type?: string } };
    return webhook.type === 'forward' && webhook.payload?.type?.startsWith('database.') === true ? [webhook] : [];
  });
  for (let index = 0; sent.length > 0; index += 1) {
    const { payload, ...envelope } = sent[index % sent.length] ?? {};
    yield Buffer.from(JSON.stringify({ ...envelope, payload: { ...payload, id: randomUUID(), padding: 'x'.repeat(64 * 1024) } }));
  }
}

export const storm: Scenario = {
  name: 'storm',
  what: `${requests} large webhooks, ${atOnce} at a time, while Kafka hangs and MongoDB is slow: bounded queues and 503`,
  async damage(stage) {
    const { cluster, system, services, count } = stage;
    await Promise.all(cluster.proxies.kafka.map((proxy) => proxy.hang()));
    await Promise.all(cluster.proxies.mongodb.map((proxy) => proxy.slow(300, 100)));
    const bodies = webhooks(stage);
    let left = requests;
    const sender = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const { value: body } = bodies.next();
        if (body === undefined) throw new Error('no webhook has been sent that could be repeated');
        const headers = webhookHeaders(system.nango.environment.signingKey, body, {});
        const response = await fetch(system.webhookUrl('nango'), { method: 'POST', headers, body });
        await response.body?.cancel();
        if (response.status !== 200 && response.status !== 503) throw new Error(`a webhook was answered ${response.status}`);
        count(`answered${response.status}`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, sender));
    const megabytes = (services.maxRss.get('ingress') ?? 0) / 1024 / 1024;
    if (megabytes > allowedMb) throw new Error(`the ingress took ${megabytes.toFixed(0)} MB in the storm`);
  },
};
