import type { Customer } from '@notion-mirror/demo/customers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

let scene: Scene;
let receiver: OtlpReceiver;
let acme: Customer;

const title = { Name: { title: {} } };

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  scene = await setScene('tracing', {
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_TRACES_SAMPLER: 'always_on',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      MIRROR_NOTION_LAG_SECONDS: '1',
    },
  });
  await scene.startAll();
  acme = await scene.connect('acme', 'Acme');
  await scene.untilSwept('acme');
});
afterAll(async () => {
  await scene.end();
  await receiver.stop();
});

const topic = (name: string) => `${scene.env['MIRROR_TOPIC_PREFIX']}notion.${name}`;
const traceOf = (traceId: string | undefined) => receiver.spans.filter((span) => span.traceId === traceId);
const childrenOf = (parent: ReceivedSpan | undefined) =>
  receiver.spans.filter((span) => span.traceId === parent?.traceId && span.parentSpanId === parent?.spanId);
const named = (name: string, spans: readonly ReceivedSpan[] = receiver.spans) => spans.filter((span) => span.name === name);

/** The first that is there; waits for it. */
async function arrived(find: () => readonly ReceivedSpan[], isIt: (span: ReceivedSpan) => boolean = () => true): Promise<ReceivedSpan> {
  await waitUntil(() => find().some(isIt), { describe: () => JSON.stringify(receiver.spans.map(({ name }) => name)) });
  return find().find(isIt)!;
}

test('one trace leads from a webhook to the document and to the state log', async () => {
  const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Secret plans', title);
  await scene.untilEqual('acme');
  const toStates = await arrived(
    () => named(`send ${topic('database-states')}`),
    ({ attributes }) => attributes['messaging.kafka.message.key'] === `acme:${databaseId}`,
  );
  const trace = traceOf(toStates.traceId);
  const [root] = named('POST /webhooks/nango', trace);
  expect(root).toMatchObject({
    service: 'notion-mirror-ingress',
    kind: 2,
    parentSpanId: null,
    isError: false,
    events: ['body read', 'signature checked'],
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/webhooks/nango',
      'http.response.status_code': 200,
      'notion_mirror.answer': 'accepted',
      'notion_mirror.event_type': 'database.created',
    },
  });
  const [send] = childrenOf(root);
  const eventId = String(send?.attributes['messaging.message.id']);
  expect(send).toMatchObject({
    name: `send ${topic('database-events')}`,
    kind: 4,
    attributes: { 'notion_mirror.to': 'log', 'notion_mirror.workspace_id': 'acme', 'messaging.operation.type': 'send' },
  });
  const [process] = named(`process ${topic('database-events')}`, childrenOf(send));
  expect(process).toMatchObject({
    service: 'notion-mirror-sync-worker',
    kind: 5,
    isError: false,
    attributes: {
      'messaging.message.id': eventId,
      'messaging.batch.message_count': 1,
      'messaging.consumer.group.name': expect.stringContaining('sync-worker'),
      'notion_mirror.database_id': databaseId,
      'notion_mirror.attempt': 1,
      'notion_mirror.outcome': 'written',
      'notion_mirror.calls': 2,
    },
    links: [{ traceId: send?.traceId, spanId: send?.spanId, attributes: { 'messaging.message.id': eventId } }],
  });
  const steps = childrenOf(process);
  expect(steps.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'find database_records',
      'GET /v1/databases/{database_id}',
      'GET /v1/data_sources/{data_source_id}',
      'bulkWrite database_records',
    ]),
  );
  expect(named('GET /v1/databases/{database_id}', steps)[0]).toMatchObject({
    kind: 3,
    attributes: { 'http.response.status_code': 200, 'notion_mirror.notion_request_id': expect.stringMatching(/^[0-9a-f-]{36}$/) },
  });
  expect(named('bulkWrite database_records', steps)[0]).toMatchObject({
    kind: 3,
    attributes: {
      'db.system.name': 'mongodb',
      'db.collection.name': 'database_records',
      'notion_mirror.rev': 1,
      'notion_mirror.result': 'written',
    },
  });
  expect(toStates).toMatchObject({ parentSpanId: process?.spanId, kind: 4, attributes: { 'notion_mirror.rev': 1 } });
  // What people read, and the record, name the same trace.
  const accepted = scene.lines.find((line) => line.msg === 'event accepted' && line['eventId'] === eventId);
  const handled = scene.lines.find((line) => line.msg === 'event handled' && line['eventId'] === eventId);
  expect(accepted).toMatchObject({ trace_id: root?.traceId, span_id: send?.spanId, trace_flags: '01' });
  expect(handled).toMatchObject({ trace_id: root?.traceId, span_id: process?.spanId, trace_flags: '01' });
  const outcomes = scene.db.collection<{ eventId: string }>('event_outcomes');
  await waitUntil(async () => (await outcomes.countDocuments({ eventId, trace_id: root?.traceId, span_id: process?.spanId })) === 1);
});
