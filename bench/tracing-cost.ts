// CPU of the spans of one event, from its webhook to the state log: `node dev/run.mjs bench/tracing-cost.ts`. The receiver runs in the same process, so what
// is exported costs more here than in a service.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { startSend } from '@notion-mirror/event-log/send-event';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { openTracing } from '@notion-mirror/service-kit/tracing/open-tracing';
import { tracingOff, type Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import { createProcessSpans } from '@notion-mirror/worker/process-spans';

const events = 20_000;
const warmUp = 5_000;

const event: DatabaseEvent = {
  eventId: '5496f509-6988-4bab-b6a9-bdce0b720ca0',
  kind: 'sync',
  type: 'data_source.schema_updated',
  workspaceId: 'acme',
  connectionId: 'acme-connection',
  providerConfigKey: 'notion',
  notionWorkspaceId: '13950b26-c203-4f3b-b97d-93ec06319565',
  databaseId: '263104cd-477e-80ef-8afe-c488d39a5cdb',
  dataSourceId: '263104cd-477e-804b-8c32-000b2fcd241a',
  pageId: null,
  occurredAt: new Date(),
  receivedAt: new Date(),
  origin: 'nango',
};
const record = { topic: 'events', partition: 7, offset: 12_345n, timestamp: 0, key: null, value: null, headers: {} };
const calls = [
  'find database_records',
  'GET /v1/databases/{database_id}',
  'GET /v1/data_sources/{data_source_id}',
  'bulkWrite database_records',
];
const spansOfEvent = 4 + calls.length;
const attributes = {
  'db.system.name': 'mongodb',
  'db.namespace': 'mirror',
  'db.collection.name': 'database_records',
  'notion_mirror.rev': 4,
};

/** How many spans were made. */
function handle(tracing: Tracing, spans: ReturnType<typeof createProcessSpans>): number {
  const trace = tracing.newTrace();
  const root = tracing.root(trace, { name: 'POST /webhooks/nango', kind: 'server', attributes });
  const { sent, span: send } = startSend(tracing, 'events', { ...event, trace });
  send?.end();
  root?.end();
  const one = { record, item: sent, takenAt: Date.now() };
  const span = spans.start([one], one, 1);
  for (const name of calls) tracing.child(span?.trace, { name, kind: 'client', attributes })?.end();
  tracing.child(span?.trace, { name: 'send states', kind: 'producer', attributes })?.end();
  span?.end();
  return root === null ? 0 : spansOfEvent;
}

/** CPU of the whole process for one event, µs. Waits for the export, so that no span is dropped. */
async function costOf(tracing: Tracing, exported: () => Promise<number>): Promise<number> {
  const spans = createProcessSpans({ tracing, topic: 'events', group: 'sync-worker' });
  let made = 0;
  const run = async (count: number) => {
    for (let done = 0; done < count; done += 50) {
      for (let number = 0; number < 50; number += 1) made += handle(tracing, spans);
      do await new Promise((resolve) => setImmediate(resolve));
      while (made - (await exported()) > 1_500);
    }
  };
  await run(warmUp);
  const before = process.cpuUsage();
  await run(events);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / events;
}

const server = createServer((request, response) => {
  request.resume().on('end', () => response.end());
});
await new Promise<void>((resolve) => {
  server.listen(0, '127.0.0.1', resolve);
});
process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const logger = createLogger({ service: 'bench', level: 'silent' });
console.log(`off: ${(await costOf(tracingOff, () => Promise.resolve(0))).toFixed(1)} µs an event`);
for (const ratio of ['0', '0.05', '1']) {
  const metrics = new Registry();
  const { tracing, stop } = await openTracing({
    service: 'bench',
    env: { ...process.env, OTEL_TRACES_SAMPLER_ARG: ratio },
    logger,
    metrics,
  });
  const exported = async () => (await metrics.getSingleMetric('notion_mirror_spans_exported_total')?.get())?.values[0]?.value ?? 0;
  console.log(`ratio ${ratio}: ${(await costOf(tracing, exported)).toFixed(1)} µs an event`);
  await stop();
}
server.closeAllConnections();
server.close();
