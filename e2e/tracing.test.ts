import type { Customer } from '@notion-mirror/demo/customers';
import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { richText } from '@notion-mirror/demo/notion-user';
import { nangoSignature } from '@notion-mirror/operations/nango-signature';
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from './otlp-receiver.ts';
import type { Scene } from './scene.ts';
import { setTracedScene } from './traced-scene.ts';
import { waitUntil } from './wait-until.ts';

let scene: Scene;
let receiver: OtlpReceiver;
let acme: Customer;
let syncWorker: ServiceProcess;

const title = { Name: { title: {} } };

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  ({ scene, syncWorker, acme } = await setTracedScene('tracing', {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    MIRROR_TRACE_URL: 'https://traces.example/trace/{traceId}',
  }));
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
      // Two webhooks say that there is a new database. Either may come first, and one fetch may answer both.
      'notion_mirror.event_type': expect.stringMatching(/^(database|data_source)\.created$/),
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
      'messaging.batch.message_count': expect.any(Number),
      'messaging.consumer.group.name': expect.stringContaining('sync-worker'),
      'notion_mirror.database_id': databaseId,
      'notion_mirror.attempt': 1,
      'notion_mirror.outcome': 'written',
      'notion_mirror.calls': 2,
    },
    links: expect.arrayContaining([
      expect.objectContaining({
        traceId: send?.traceId,
        spanId: send?.spanId,
        attributes: expect.objectContaining({ 'messaging.message.id': eventId }),
      }),
    ]),
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

const events = () => topic('database-events');
const handled = (isIt: (attributes: ReceivedSpan['attributes']) => boolean) =>
  arrived(
    () => named(`process ${events()}`),
    ({ attributes }) => isIt(attributes),
  );
const parentOf = ({ traceId, parentSpanId }: ReceivedSpan) =>
  receiver.spans.find((span) => span.traceId === traceId && span.spanId === parentSpanId);
const rename = (databaseId: string, name: string) => acme.user.editDatabase(databaseId, { title: richText(name) });

test('a sender neither chooses our trace nor its sampling, and is linked to', async () => {
  const body = JSON.stringify({ type: 'ping' });
  const sender = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
  await fetch(scene.webhookUrl('nango'), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-nango-hmac-sha256': nangoSignature(scene.nango.environment.signingKey, body),
      traceparent: `00-${sender.traceId}-${sender.spanId}-00`,
    },
    body,
  });
  const root = await arrived(
    () => named('POST /webhooks/nango'),
    ({ links }) => links.length > 0,
  );
  expect(root).toMatchObject({ parentSpanId: null, links: [sender] });
  expect(root.traceId).not.toBe(sender.traceId);
});

test('of events that one fetch answers, each trace ends with its outcome, linked to that fetch', async () => {
  const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Plans', title);
  await scene.untilEqual('acme');
  await syncWorker.stop();
  for (const name of ['Plans 1', 'Plans 2', 'Plans 3']) {
    await rename(databaseId, name);
    await scene.pair.settle();
  }
  syncWorker = await scene.start('sync-worker');
  const fetching = await handled(
    (of) => of['notion_mirror.database_id'] === databaseId && Number(of['messaging.batch.message_count']) >= 3,
  );
  const newest = fetching.attributes['messaging.message.id'];
  expect(fetching.links).toHaveLength(Number(fetching.attributes['messaging.batch.message_count']));
  // First the newest event's, which is the parent.
  expect(fetching.links[0]).toMatchObject({
    traceId: fetching.traceId,
    spanId: fetching.parentSpanId,
    attributes: { 'messaging.message.id': newest },
  });
  const answered = fetching.links.slice(1).map(({ traceId, spanId }) => ({ traceId, parentSpanId: spanId }));
  for (const { traceId, parentSpanId } of answered) {
    const end = await arrived(() => named(`process ${events()}`, traceOf(traceId)));
    expect(end).toMatchObject({
      parentSpanId,
      attributes: { 'notion_mirror.outcome': 'written', 'notion_mirror.coalesced_into': newest },
      links: [{ traceId: fetching.traceId, spanId: fetching.spanId }],
    });
    const line = scene.lines.find(({ msg, trace_id }) => msg === 'event handled' && trace_id === traceId);
    expect(line).toMatchObject({ span_id: end.spanId, coalescedInto: newest });
  }
});

test('a recheck stays in the trace of the delete, and the removal of rows in that of an event of their database', async () => {
  const { databaseId, dataSourceId } = await acme.user.createDatabase(acme.pages.home, 'Short-lived', title);
  await acme.user.addRow(dataSourceId, 'A row');
  await scene.untilEqual('acme');
  // Otherwise a sync event of the same change may come first, and nothing is left to decide.
  await syncWorker.stop();
  await acme.user.editDatabase(databaseId, { in_trash: true });
  const deciding = await handled((of) => of['notion_mirror.database_id'] === databaseId && of['notion_mirror.outcome'] === 'rechecking');
  expect(deciding.service).toBe('notion-mirror-delete-worker');
  const again = await arrived(
    () => childrenOf(deciding),
    ({ name }) => name === `send ${events()}`,
  );
  expect(again.attributes).toMatchObject({ 'notion_mirror.origin': 'recheck' });
  syncWorker = await scene.start('sync-worker');
  const fetching = await arrived(() => childrenOf(again));
  expect(fetching).toMatchObject({
    service: 'notion-mirror-sync-worker',
    attributes: { 'notion_mirror.outcome': 'removed', 'notion_mirror.reason': 'trashed' },
  });
  // Several events show that the database is gone, and the first one announces its rows.
  const removing = await handled((of) => of['notion_mirror.event_type'] === 'mirror.data_source_removed');
  expect(removing.attributes).toMatchObject({ 'notion_mirror.outcome': 'removed', 'notion_mirror.data_source_id': dataSourceId });
  expect(named('remove rows', childrenOf(removing))).toMatchObject([{ attributes: { 'notion_mirror.rows_removed': 1 } }]);
  const announcing = parentOf(parentOf(removing)!);
  expect(announcing).toMatchObject({ name: `process ${events()}`, traceId: removing.traceId });
  expect(announcing?.attributes['notion_mirror.event_type']).not.toBe('mirror.data_source_removed');
});

test('a row is traced from its webhook to its own state log', async () => {
  const { dataSourceId } = await acme.user.createDatabase(acme.pages.home, 'With rows', title);
  await scene.untilEqual('acme');
  const pageId = await acme.user.addRow(dataSourceId, 'Buy a secret map');
  await scene.untilEqual('acme');
  const toStates = await arrived(
    () => named(`send ${topic('row-states')}`),
    ({ attributes }) => attributes['messaging.kafka.message.key'] === `acme:${pageId}`,
  );
  const processing = parentOf(toStates)!;
  expect(processing).toMatchObject({
    name: `process ${events()}`,
    attributes: { 'notion_mirror.page_id': pageId, 'notion_mirror.outcome': 'written' },
  });
  expect(childrenOf(processing).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['find row_records', 'GET /v1/pages/{page_id}', 'bulkWrite row_records']),
  );
  expect(parentOf(parentOf(processing)!)).toMatchObject({ name: 'POST /webhooks/nango', parentSpanId: null });
});

const query = 'POST /v1/data_sources/{data_source_id}/query';

test('the first scan of a table is a trace of its own, with its queries', async () => {
  const scan = await arrived(() => named('scan first_backfill'));
  expect(scan).toMatchObject({
    parentSpanId: null,
    attributes: { 'notion_mirror.workspace_id': 'acme', 'notion_mirror.outcome': 'ended' },
  });
  expect(childrenOf(scan).map(({ name }) => name)).toContain(query);
});

test('a deferred event leads to the trace of the scan that answers it', async () => {
  const { dataSourceId } = await acme.user.createDatabase(acme.pages.home, 'Flooded', title);
  await scene.untilEqual('acme');
  await scene.untilScanned('acme');
  await syncWorker.stop();
  const rows = Array.from({ length: 150 }, (_, index) => ({
    properties: { Name: { title: richText(`A secret of row ${index}`) } },
  }));
  scene.notion.createRows({ dataSourceId, rows });
  await scene.pair.settle();
  syncWorker = await scene.start('sync-worker', undefined, { MIRROR_ROWS_FLOOD_EVENTS: '100' });
  const deferred = await handled(
    (of) =>
      of['notion_mirror.data_source_id'] === dataSourceId &&
      of['notion_mirror.outcome'] === 'deferred' &&
      of['notion_mirror.reason'] === 'scan_wanted',
  );
  const wanting = await arrived(() => named('want scan'));
  const flood = await arrived(
    () => receiver.spans,
    ({ spanId }) => spanId === wanting.links[0]?.spanId,
  );
  expect(wanting).toMatchObject({ parentSpanId: null, attributes: { 'notion_mirror.data_source_id': dataSourceId } });
  expect(flood).toMatchObject({ name: `process ${events()}`, attributes: { 'notion_mirror.outcome': 'flood' } });
  expect(deferred.links).toMatchObject([
    { traceId: flood.traceId, spanId: flood.spanId },
    { traceId: wanting.traceId, spanId: wanting.spanId },
  ]);
  const scan = await arrived(
    () => childrenOf(wanting),
    ({ attributes }) => attributes['notion_mirror.outcome'] === 'ended',
  );
  expect(scan).toMatchObject({ name: 'scan flood', attributes: { 'notion_mirror.scan.written': 150 } });
  const steps = childrenOf(scan);
  const pages = named('apply rows', steps);
  // Two pages of a hundred, and nothing for each row.
  expect([named(query, steps).length >= 2, pages.length >= 2, steps.length < 20]).toEqual([true, true, true]);
  const written = pages.map(({ attributes }) => Number(attributes['notion_mirror.rows_written']));
  expect(written.reduce((sum, count) => sum + count, 0)).toBe(150);
  // What people read leads there, too.
  const eventId = String(deferred.attributes['messaging.message.id']);
  const leading = { trace_id: deferred.traceId, scan_trace_id: scan.traceId, scan_trace_flags: '01' };
  expect(scene.lines.find((line) => line['eventId'] === eventId && line['outcome'] === 'deferred')).toMatchObject(leading);
  await waitUntil(() => scene.lines.some(({ msg, span_id }) => msg === 'scan ended' && span_id === scan.spanId));
  const shown = await scene.tryMirror('explain', eventId);
  expect(shown.stdout).toContain(`left to a comparison with Notion: trace ${scan.traceId}: https://traces.example/trace/${scan.traceId}`);
});

test('an event that was parked continues its trace', async () => {
  const globex = await scene.connect('globex', 'Globex');
  await scene.untilSwept('globex');
  const other = await globex.user.createDatabase(globex.pages.home, 'Parked', title);
  await scene.untilEqual('globex');
  await syncWorker.stop();
  await globex.user.editDatabase(other.databaseId, { title: richText('Parked again') });
  await scene.pair.settle();
  await scene.mirror('connections', 'pause', globex.connectionId);
  syncWorker = await scene.start('sync-worker');
  const parked = await handled((of) => of['notion_mirror.database_id'] === other.databaseId && of['notion_mirror.outcome'] === 'parked');
  await scene.mirror('connections', 'resume', globex.connectionId);
  const again = await arrived(
    () => childrenOf(parked),
    ({ name }) => name === `send ${events()}`,
  );
  const after = await arrived(() => childrenOf(again));
  expect(after).toMatchObject({ name: `process ${events()}`, links: [{ traceId: parked.traceId, spanId: again.spanId }] });
});

test('what a sweep finds is a part of its trace', async () => {
  scene.notion.settings.change({ delivery: { dropProbability: 1 } });
  const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Unannounced', title);
  scene.notion.settings.change({ delivery: { dropProbability: 0 } });
  await scene.mirror('reconcile', 'run', 'acme');
  const fetching = await handled((of) => of['notion_mirror.origin'] === 'reconcile' && of['notion_mirror.database_id'] === databaseId);
  const sweep = await arrived(() => named('sweep requested', traceOf(fetching.traceId)));
  expect(sweep).toMatchObject({ parentSpanId: null, attributes: { 'notion_mirror.workspace_id': 'acme' } });
  const calls = childrenOf(sweep).map(({ name }) => name);
  expect(calls).toEqual(expect.arrayContaining(['POST /v1/search', 'GET /v1/databases/{database_id}']));
  expect(parentOf(fetching)).toMatchObject({ name: `send ${events()}`, parentSpanId: sweep.spanId });
});

test('a replay is a trace of its own; each of its events is linked to the one that it repeats', async () => {
  const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'To replay', title);
  await scene.untilEqual('acme');
  const first = await handled((of) => of['notion_mirror.database_id'] === databaseId && of['notion_mirror.origin'] === 'nango');
  await scene.mirror('replay', 'run', '--workspace-id', 'acme', '--yes');
  const fetching = await handled(
    (of) => of['notion_mirror.event_type'] === 'mirror.replay' && of['notion_mirror.database_id'] === databaseId,
  );
  const send = parentOf(fetching)!;
  expect(send).toMatchObject({ service: 'notion-mirror-cli', links: [{ traceId: first.traceId }] });
  expect(parentOf(send)).toMatchObject({ name: 'replay', parentSpanId: null, service: 'notion-mirror-cli' });
});

test('a slow bucket names a trace, for those who read OpenMetrics', async () => {
  const answer = await fetch(`${syncWorker.opsUrl}/metrics`, { headers: { accept: 'application/openmetrics-text; version=1.0.0' } });
  const [traceId] = /(?<=notion_mirror_sync_event_seconds_bucket.*# \{trace_id=")[0-9a-f]{32}/.exec(await answer.text()) ?? [];
  expect(traceOf(traceId)).not.toEqual([]);
});

test('an operator gets from an event to its trace', async () => {
  const processing = await handled((of) => of['notion_mirror.outcome'] === 'written');
  const shown = await scene.tryMirror('explain', String(processing.attributes['messaging.message.id']));
  expect(shown.stdout).toContain(`trace ${processing.traceId}: https://traces.example/trace/${processing.traceId}`);
});

test('no span holds a text of a customer, a token or a key', () => {
  const text = receiver.text();
  expect(receiver.problems).toEqual([]);
  for (const secret of [
    'Secret plans',
    'secret map',
    'A secret of row',
    'Plans 2',
    acme.botToken,
    scene.nango.environment.apiKey,
    scene.nango.environment.signingKey,
  ]) {
    expect(text).not.toContain(secret);
  }
  expect(text.toLowerCase()).not.toMatch(/authorization|bearer|hmac/);
});
