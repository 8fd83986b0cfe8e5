import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Customer } from '@notion-mirror/demo/customers';
import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOtlpReceiver, type OtlpReceiver } from './otlp-receiver.ts';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

// Tracing where no trace is sampled, and where no endpoint takes the spans.

let scene: Scene;
let receiver: OtlpReceiver;
let acme: Customer;
let processes: readonly ServiceProcess[];

const title = { Name: { title: {} } };

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  scene = await setScene('tracing_unsampled', {
    env: {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/v1/traces`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_TRACES_SAMPLER_ARG: '0',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      MIRROR_NOTION_REQUESTS_PER_MINUTE: '20000',
    },
  });
  const [ingress, syncWorker] = await Promise.all([scene.start('ingress'), scene.start('sync-worker'), scene.start('delete-worker')]);
  processes = [ingress, syncWorker];
  acme = await scene.connect('acme', 'Acme');
  await scene.untilSwept('acme');
});
afterAll(async () => {
  await scene.end();
  await receiver.stop();
});

test('a trace that is not sampled has ids in logs and outcomes, and no spans', async () => {
  const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Quiet', title);
  await scene.untilEqual('acme');
  const line = scene.lines.find(({ msg, databaseId: id }) => msg === 'event handled' && id === databaseId);
  expect(line).toMatchObject({ trace_id: expect.stringMatching(/^[0-9a-f]{32}$/), trace_flags: '00' });
  const accepted = scene.lines.find(({ msg, eventId }) => msg === 'event accepted' && eventId === line?.['eventId']);
  expect(accepted).toMatchObject({ trace_id: line?.['trace_id'], trace_flags: '00' });
  const explained = () => scene.tryMirror('explain', String(line?.['eventId']));
  await waitUntil(async () => (await explained()).stdout.includes(`trace ${String(line?.['trace_id'])} (not sampled)`));
  expect(await scene.db.collection('database_records').findOne({ databaseId })).not.toHaveProperty('trace');
  expect(receiver.spans).toEqual([]);
});

test('but the handling of an event that becomes a dead letter is exported, with the ids of its log line', async () => {
  const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Refused', title);
  await scene.untilEqual('acme');
  scene.notion.faults.inject({ kind: 'restricted_resource', token: acme.botToken, path: `/v1/databases/${databaseId}` });
  await acme.user.editDatabase(databaseId, { is_locked: true });
  const dead = () => scene.lines.find(({ outcome }) => outcome === 'dead_letter');
  await waitUntil(() => dead() !== undefined);
  scene.notion.faults.clear();
  const of = { traceId: dead()?.['trace_id'] };
  await waitUntil(() => receiver.spans.length >= 2, { describe: () => JSON.stringify(receiver.spans) });
  const topic = `${scene.env['MIRROR_TOPIC_PREFIX']}notion.database-events`;
  expect(receiver.spans).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        ...of,
        name: `process ${topic}`,
        parentSpanId: dead()?.['span_id'],
        isError: true,
        attributes: expect.objectContaining({
          'notion_mirror.database_id': databaseId,
          'notion_mirror.outcome': 'dead_letter',
          'error.type': 'restricted/restricted_resource',
        }),
      }),
      expect.objectContaining({
        ...of,
        name: `send ${topic}.dead-letters`,
        attributes: expect.objectContaining({ 'notion_mirror.failure': 'restricted/restricted_resource' }),
      }),
    ]),
  );
  expect(receiver.spans.every(({ name }) => name.startsWith('process ') || name.endsWith('dead-letters'))).toBe(true);
});

test('an endpoint that never answers delays neither events nor a stop', async () => {
  const requests: string[] = [];
  const silent: Server = createServer((request) => void requests.push(request.url ?? ''));
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '',
    OTEL_TRACES_SAMPLER: 'always_on',
  };
  for (const process of processes) await process.stop();
  processes = [await scene.start('ingress', undefined, env), await scene.start('sync-worker', undefined, env)];
  const made = await Promise.all(['One', 'Two', 'Three'].map((name) => acme.user.createDatabase(acme.pages.home, name, title)));
  const databaseId = { $in: made.map((database) => database.databaseId) };
  await waitUntil(async () => (await scene.db.collection('databases').countDocuments({ databaseId })) === made.length);
  await waitUntil(() => requests.length > 0);
  for (const process of processes) expect(await process.stop()).toMatchObject({ code: 0 });
  silent.closeAllConnections();
  silent.close();
});
