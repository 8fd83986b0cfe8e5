// Sends requests as fast as they are answered, in a process of its own, so that its cost is not the server's. In: a task as JSON on stdin. Out: its figures,
// as JSON on stdout.
import { json } from 'node:stream/consumers';
import autocannon from 'autocannon';
import { z } from 'zod';

const task = z
  .object({
    url: z.url({ hostname: /^127\.0\.0\.1$/ }),
    connections: z.number().int().max(1_024),
    seconds: z.number().max(600),
    requests: z.array(z.object({ body: z.string(), headers: z.record(z.string(), z.string()) })),
  })
  .parse(await json(process.stdin));

const { url, connections, seconds, requests } = task;
/** Each connection has webhooks of its own: autocannon would build all of them for every connection before it starts. */
const perConnection = Math.ceil(requests.length / connections);
let opened = 0;
const result = await autocannon({
  url,
  connections,
  duration: seconds,
  setupClient(client) {
    const from = (opened * perConnection) % requests.length;
    opened += 1;
    client.setRequests(requests.slice(from, from + perConnection).map((request) => ({ method: 'POST', ...request })));
  },
});
const { user, system } = process.cpuUsage();
process.stdout.write(
  JSON.stringify({
    accepted: result['2xx'],
    others: result.non2xx + result.errors + result.timeouts,
    perSecond: result['2xx'] / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    cpuSeconds: (user + system) / 1e6,
  }),
);
