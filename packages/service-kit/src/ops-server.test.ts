import { afterEach, describe, expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { startOpsServer, type OpsServer } from './ops-server.ts';

let server: OpsServer | undefined;
afterEach(() => server?.close());

describe('operations port', () => {
  test('serves liveness, readiness and metrics, and nothing else', async () => {
    let ready = false;
    server = await startOpsServer({
      host: '127.0.0.1',
      port: 0,
      metrics: createMetrics('test'),
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
});
