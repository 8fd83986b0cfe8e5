import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createLogger } from '../logger.ts';
import { Registry } from '../metrics.ts';
import { openTracing } from './open-tracing.ts';
import { tracingOff } from './tracing.ts';

interface Received {
  readonly url: string | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

/** An endpoint that answers with this status. */
async function endpoint(status = 200) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
    request.on('end', () => {
      received.push({ url: request.url, type: request.headers['content-type'], body });
      response.writeHead(status).end('an answer that quotes secret-of-the-header');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

/** The exporter of OpenTelemetry reads the environment of the process. */
async function open(env: Readonly<Record<string, string>>) {
  const lines: string[] = [];
  const metrics = new Registry();
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
  const logger = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
  return { ...(await openTracing({ service: 'ingress', env, logger, metrics })), lines, metrics };
}

const exportedBy = async (metrics: Registry) => (await metrics.getSingleMetric('notion_mirror_spans_exported_total')?.get())?.values;
const always = { OTEL_TRACES_SAMPLER: 'always_on' };
const start = { name: 'a span of the test', kind: 'internal' } as const;

test.each([
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_SDK_DISABLED: 'true' },
  { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_TRACES_EXPORTER: 'none' },
])('tracing is off with %j', async (env) => {
  const { tracing, lines } = await open(env);
  expect(tracing).toBe(tracingOff);
  expect(lines).toEqual([]);
});

test('a protocol that is not supported turns tracing off, and says so', async () => {
  const { tracing, lines } = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' });
  expect(tracing).toBe(tracingOff);
  expect(lines.join('')).toContain('http/protobuf or http/json');
});

// Of its packages only the API is, by prom-client.
test('when it is off, the SDK of OpenTelemetry is not loaded', async () => {
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { openTracing } = await import('./open-tracing.ts');
    await openTracing({ service: 'test', env: {}, logger: null });
    console.log(loaded.some((url) => url.includes("/tracing.ts")), loaded.some((url) => /\\/@opentelemetry\\/(?!api\\/)/.test(url)));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: join(import.meta.dirname),
  });
  expect(stdout.trim()).toBe('true false');
});

test('spans are sent as protobuf, and what waits is sent at the stop', async () => {
  const { url, received } = await endpoint();
  const { tracing, stop, lines, metrics } = await open({ ...always, OTEL_EXPORTER_OTLP_ENDPOINT: url });
  tracing.root(tracing.newTrace(), start)?.end();
  await stop();
  expect(received).toMatchObject([{ url: '/v1/traces', type: 'application/x-protobuf' }]);
  expect(received[0]?.body).toContain('a span of the test');
  expect(received[0]?.body).toContain('notion-mirror-ingress');
  expect(await exportedBy(metrics)).toMatchObject([{ labels: { result: 'sent' }, value: 1 }]);
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ level: 'info', msg: 'tracing is on' }]);
});

test('spans that the endpoint refuses are counted, with a warning that quotes nothing', async () => {
  const { url } = await endpoint(400);
  const headers = { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret-of-the-header' };
  const { tracing, stop, lines, metrics } = await open({ ...always, ...headers, OTEL_EXPORTER_OTLP_ENDPOINT: url });
  tracing.root(tracing.newTrace(), start)?.end();
  await stop();
  expect(await exportedBy(metrics)).toMatchObject([{ labels: { result: 'dropped' }, value: 1 }]);
  expect(lines.filter((line) => line.includes('cannot export spans'))).toHaveLength(1);
  expect(lines.join('')).not.toContain('secret-of-the-header');
});

test('a stop does not wait for an endpoint that never answers', async () => {
  let requests = 0;
  const server = createServer(() => void (requests += 1));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { tracing, stop } = await open({
    ...always,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  tracing.root(tracing.newTrace(), start)?.end();
  await stop();
  expect(requests).toBe(1);
  server.closeAllConnections();
  server.close();
});

test('a bad variable is named, and its default applies', async () => {
  const { url } = await endpoint();
  const { tracing, lines, stop } = await open({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_TRACES_SAMPLER_ARG: 'half' });
  expect(tracing.isOn).toBe(true);
  expect(lines.join('')).toContain('OTEL_TRACES_SAMPLER_ARG');
  await stop();
});
