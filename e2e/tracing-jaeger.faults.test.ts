import { existsSync } from 'node:fs';
import type { Customer } from '@notion-mirror/demo/customers';
import { richText } from '@notion-mirror/demo/notion-user';
import type { ServiceProcess } from '@notion-mirror/demo/service-process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startJaeger, type Jaeger, type JaegerSpan } from './jaeger.ts';
import type { Scene } from './scene.ts';
import { setTracedScene } from './traced-scene.ts';
import { waitUntil } from './wait-until.ts';

// The traces as a real backend takes them, in protobuf, and shows them. What each span holds is tested in tracing.test.ts.

const program = process.env['MIRROR_TEST_JAEGER'] ?? '';
const missing =
  program === ''
    ? 'set MIRROR_TEST_JAEGER to the file of a Jaeger 2 binary (docs/tracing.md)'
    : existsSync(program)
      ? null
      : `MIRROR_TEST_JAEGER is ${program}, and there is no such file`;
if (missing !== null) console.warn(`the test with Jaeger is skipped: ${missing}`);

describe.skipIf(missing !== null)('with Jaeger', () => {
  let jaeger: Jaeger;
  let scene: Scene;
  let acme: Customer;
  let syncWorker: ServiceProcess;

  beforeAll(async () => {
    jaeger = await startJaeger(program);
    ({ scene, syncWorker, acme } = await setTracedScene('jaeger', { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.otlpUrl }));
  });
  afterAll(async () => {
    await scene.end();
    await jaeger.stop();
  });

  const title = { Name: { title: {} } };
  const topic = (name: string) => `${scene.env['MIRROR_TOPIC_PREFIX']}notion.${name}`;

  /** The trace once it has such a span, and its first one: each service sends its spans when it likes. */
  async function traceWith(traceId: string, isIt: (span: JaegerSpan) => boolean): Promise<readonly JaegerSpan[]> {
    let spans: readonly JaegerSpan[] = [];
    await waitUntil(
      async () => {
        spans = await jaeger.trace(traceId);
        return spans.some(isIt) && spans.some(({ parent }) => parent === null);
      },
      { describe: () => JSON.stringify(spans) },
    );
    return spans;
  }

  /** The traces of the database's events, by their log lines. */
  const handledLines = (databaseId: string) =>
    scene.lines.filter((line) => line.msg === 'event handled' && line['databaseId'] === databaseId);

  test('a change is one trace over all services, from its webhook to the state log', async () => {
    const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Plans', title);
    await scene.untilEqual('acme');
    const written = () => handledLines(databaseId).find(({ outcome }) => outcome === 'written');
    await waitUntil(() => written() !== undefined);
    const spans = await traceWith(String(written()?.['trace_id']), ({ name }) => name === `send ${topic('database-states')}`);
    const toStates = spans.find(({ name }) => name === `send ${topic('database-states')}`);
    expect(wayUp(spans, toStates)).toEqual([
      `sync-worker: send ${topic('database-states')}`,
      `sync-worker: process ${topic('database-events')}`,
      `ingress: send ${topic('database-events')}`,
      'ingress: POST /webhooks/nango',
    ]);
    const processing = spans.find(({ name }) => name === `process ${topic('database-events')}`);
    expect(processing).toMatchObject({
      spanId: written()?.['span_id'],
      attributes: { 'span.kind': 'consumer', 'notion_mirror.database_id': databaseId, 'notion_mirror.outcome': 'written' },
    });
    const steps = spans.filter(({ parent }) => parent?.spanId === processing?.spanId).map(({ name }) => name);
    expect(steps).toEqual(
      expect.arrayContaining(['GET /v1/databases/{database_id}', 'GET /v1/data_sources/{data_source_id}', 'bulkWrite database_records']),
    );
  });

  test('the links of events that one fetch answers lead from trace to trace', async () => {
    const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'Renamed', title);
    await scene.untilEqual('acme');
    await syncWorker.stop();
    for (const name of ['One', 'Two', 'Three']) {
      await acme.user.editDatabase(databaseId, { title: richText(name) });
      await scene.pair.settle();
    }
    syncWorker = await scene.start('sync-worker');
    const coalesced = () => handledLines(databaseId).filter((line) => line['coalescedInto'] !== undefined);
    await waitUntil(() => coalesced().length >= 2);
    for (const line of coalesced()) {
      const { trace_id: traceId, span_id: spanId } = line;
      const spans = await traceWith(String(traceId), (span) => span.spanId === spanId);
      const end = spans.find((span) => span.spanId === spanId);
      expect(wayUp(spans, end).at(-1)).toBe('ingress: POST /webhooks/nango');
      // To the fetch, and from there back to the event.
      const [link] = end?.links ?? [];
      const there = await traceWith(String(link?.traceId), (span) => span.spanId === link?.spanId);
      const fetching = there.find((span) => span.spanId === link?.spanId);
      expect(fetching?.attributes['messaging.message.id']).toBe(line['coalescedInto']);
      expect(fetching?.links).toContainEqual({ traceId, spanId: end?.parent?.spanId });
    }
  });

  test('a tenant’s traces are found by its id, and the services by their names', async () => {
    expect(await jaeger.services()).toEqual(expect.arrayContaining(['notion-mirror-ingress', 'notion-mirror-sync-worker']));
    const found = await jaeger.search('notion-mirror-sync-worker', { 'notion_mirror.workspace_id': 'acme' });
    expect(found).not.toEqual([]);
    expect(await jaeger.search('notion-mirror-sync-worker', { 'notion_mirror.workspace_id': 'globex' })).toEqual([]);
  });
});

/** From the span to the root. */
function wayUp(spans: readonly JaegerSpan[], from: JaegerSpan | undefined): string[] {
  if (from === undefined) return [];
  const name = `${from.service.replace('notion-mirror-', '')}: ${from.name}`;
  return [
    name,
    ...wayUp(
      spans,
      spans.find(({ spanId }) => spanId === from.parent?.spanId),
    ),
  ];
}
