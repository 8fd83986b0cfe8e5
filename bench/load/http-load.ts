// The load of the HTTP scenarios, as a process of its own, so that what it costs is not the server's. In: a task as JSON on stdin. Out: what
// it measured, as JSON on stdout.
import { json } from 'node:stream/consumers';
import autocannon from 'autocannon';
import { z } from 'zod';

const task = z
  .object({
    url: z.url({ hostname: /^127\.0\.0\.1$/ }),
    connections: z.number().int().max(1_024),
    seconds: z.number().max(600),
    /** Requests in a second, all connections together; null: as many as are answered. */
    rate: z.number().nullable(),
    requests: z.array(z.object({ body: z.string(), headers: z.record(z.string(), z.string()) })),
  })
  .parse(await json(process.stdin));

const { url, connections, seconds, rate, requests } = task;
const result = await autocannon({
  url,
  connections,
  duration: seconds,
  ...(rate === null ? {} : { overallRate: rate }),
  requests: requests.map((request) => ({ method: 'POST', ...request })),
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
