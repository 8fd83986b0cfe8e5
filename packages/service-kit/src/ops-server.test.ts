import { afterEach, describe, expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { startOpsServer, type OpsServer } from './ops-server.ts';
import { createHistogram, openMetricsText } from './tracing/exemplars.ts';

let server: OpsServer | undefined;
afterEach(() => server?.close());

describe('operations port', () => {
  test('serves liveness, readiness and metrics, and nothing else', async () => {
    let ready = false;
    server = await startOpsServer({
      host: '127.0.0.1',
      port: 0,
      metrics: createMetrics('test'),
      openMetrics: null,
      live: () => ({ ok: true, detail: {} }),
      ready: () => ({ ok: ready, detail: { kafka: ready ? 'connected' : 'connecting' } }),
    });
    const url = `http://127.0.0.1:${server.port}`;
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const waiting = await fetch(`${url}/readyz`);
    expect([waiting.status, await waiting.json()]).toEqual([503, { status: 'unavailable', kafka: 'connecting' }]);
    ready = true;
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('notion_mirror_process_cpu_seconds_total{service="test"}');
    expect((await fetch(`${url}/webhooks/nango`)).status).toBe(404);
    expect((await fetch(`${url}/livez`, { method: 'POST' })).status).toBe(405);
  });

  test('serves OpenMetrics with exemplars to those who accept it, and the text of Prometheus to all others', async () => {
    const metrics = createMetrics('test');
    const observe = createHistogram(metrics, true, { name: 'notion_mirror_test_seconds', help: 'A test.', buckets: [1, 10] });
    observe(0.5, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
    observe(5, '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00');
    server = await startOpsServer({
      host: '127.0.0.1',
      port: 0,
      metrics,
      openMetrics: () => openMetricsText(metrics, 'test'),
      live: () => ({ ok: true, detail: {} }),
      ready: () => ({ ok: true, detail: {} }),
    });
    const scrape = async (accept: string) => {
      const answer = await fetch(`http://127.0.0.1:${server?.port}/metrics`, { headers: { accept } });
      return { type: answer.headers.get('content-type'), text: await answer.text() };
    };
    const asPrometheus = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1';
    for (const _ of [1, 2]) {
      const open = await scrape(asPrometheus);
      expect(open.type).toContain('application/openmetrics-text');
      expect(open.text).toContain('\n# EOF\n');
      expect(open.text).toContain('notion_mirror_process_cpu_seconds_total{service="test"}');
      const lines = open.text.split('\n').filter((line) => line.startsWith('notion_mirror_test_seconds_bucket'));
      expect(lines.map((line) => line.replace(/ \d+\.\d+$/, ''))).toEqual([
        'notion_mirror_test_seconds_bucket{le="1",service="test"} 1 # {trace_id="0af7651916cd43dd8448eb211c80319c"} 0.5',
        'notion_mirror_test_seconds_bucket{le="10",service="test"} 2',
        'notion_mirror_test_seconds_bucket{le="+Inf",service="test"} 2',
      ]);
      const plain = await scrape('text/plain');
      expect(plain.type).toContain('text/plain; version=0.0.4');
      expect(plain.text).not.toContain('trace_id');
      // In the other format prom-client renames counters.
      expect(plain.text).toContain('# TYPE notion_mirror_process_cpu_seconds_total counter');
      expect(plain.text).toContain('notion_mirror_process_cpu_seconds_total{service="test"}');
    }
  });
});
