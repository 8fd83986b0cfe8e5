import { repeatedWebhooks } from '../repeated-webhooks.ts';
import type { Scenario } from '../scenario.ts';
import { sendWebhook } from '../send-webhook.ts';

const requests = 3_000;
const atOnce = 600;
/** Bounds the ingress's memory: the 3,000 bodies of 64 KB alone are 190 MB. */
const allowedMb = 450;

export const storm: Scenario = {
  name: 'storm',
  what: `${requests} large webhooks, ${atOnce} at a time, while Kafka hangs and MongoDB is slow: bounded queues and 503`,
  async damage(stage) {
    const { cluster, system, services, count } = stage;
    await Promise.all(cluster.proxies.kafka.map((proxy) => proxy.hang()));
    await Promise.all(cluster.proxies.mongodb.map((proxy) => proxy.slow(300, 100)));
    const nextBody = await repeatedWebhooks(stage, 64 * 1024);
    let left = requests;
    const sender = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const status = await sendWebhook(system, nextBody());
        if (status !== 200 && status !== 503) throw new Error(`a webhook was answered ${status}`);
        count(`answered${status}`);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, sender));
    const megabytes = (services.maxRss.get('ingress') ?? 0) / 1024 / 1024;
    if (megabytes > allowedMb) throw new Error(`the ingress took ${megabytes.toFixed(0)} MB in the storm`);
  },
};
