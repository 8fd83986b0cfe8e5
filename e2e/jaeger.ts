import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@notion-mirror/local-stack/ports';
import { z } from 'zod';
import { waitUntil } from './wait-until.ts';

/**
 * A span as Jaeger's API shows it: parents and links alike are references there. A parent that is linked to as well is one reference, `FOLLOWS_FROM`; like
 * Jaeger's page, this takes one within the same trace for the parent when there is no other.
 */
export interface JaegerSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: SpanRef | null;
  readonly links: readonly SpanRef[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface SpanRef {
  readonly traceId: string;
  readonly spanId: string;
}

export interface Jaeger {
  /** Takes OTLP over HTTP. */
  readonly otlpUrl: string;
  services(): Promise<readonly string[]>;
  /** No spans: it does not know the trace. */
  trace(traceId: string): Promise<readonly JaegerSpan[]>;
  /** Traces with a span of the service that has this attribute. */
  search(service: string, attributes: Readonly<Record<string, string>>): Promise<readonly JaegerSpan[]>;
  stop(): Promise<void>;
}

const reference = z.object({ refType: z.enum(['CHILD_OF', 'FOLLOWS_FROM']), traceID: z.string(), spanID: z.string() });
const span = z.object({
  traceID: z.string(),
  spanID: z.string(),
  operationName: z.string(),
  references: z.array(reference).nullish(),
  tags: z.array(z.object({ key: z.string(), value: z.unknown() })),
  processID: z.string(),
});
const traces = z.object({
  data: z.array(z.object({ spans: z.array(span), processes: z.record(z.string(), z.object({ serviceName: z.string() })) })).nullable(),
});
const services = z.object({ data: z.array(z.string()).nullable() });

/** Jaeger 2 with its storage in memory. `program`: the file of its binary. Rejects with what it wrote if it does not start. */
export async function startJaeger(program: string): Promise<Jaeger> {
  const [otlp, http, grpc] = [await freePort(), await freePort(), await freePort()];
  const folder = await mkdtemp(join(tmpdir(), 'mirror-jaeger-'));
  const file = join(folder, 'jaeger.yaml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(configuration(otlp, http, grpc)));
  const child = spawn(program, ['--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let failure: Error | null = null;
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.on('error', (error) => (failure = error));
  const closed = once(child, 'close').catch(() => {});

  const url = `http://127.0.0.1:${http}`;
  async function ask(path: string): Promise<unknown> {
    const answer = await fetch(`${url}${path}`);
    if (answer.status === 404) return { data: [] };
    if (!answer.ok) throw new Error(`Jaeger answers ${answer.status} to ${path}`);
    return answer.json();
  }

  async function stop(): Promise<void> {
    child.kill('SIGTERM');
    await closed;
    await rm(folder, { recursive: true });
  }

  try {
    await waitUntil(
      async () => {
        if (failure !== null || child.exitCode !== null)
          throw new Error(`Jaeger does not start: ${said.slice(-4_000)}`, { cause: failure });
        return fetch(`${url}/api/services`).then(
          ({ ok }) => ok,
          () => false,
        );
      },
      { describe: () => said.slice(-4_000) },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    otlpUrl: `http://127.0.0.1:${otlp}`,
    services: async () => services.parse(await ask('/api/services')).data ?? [],
    trace: async (traceId) => spansIn(await ask(`/api/traces/${traceId}`)),
    search: async (service, attributes) => {
      const query = new URLSearchParams({ service, tags: JSON.stringify(attributes), limit: '100', lookback: '1h' });
      return spansIn(await ask(`/api/traces?${query.toString()}`));
    },
    stop,
  };
}

function spansIn(answer: unknown): JaegerSpan[] {
  return (traces.parse(answer).data ?? []).flatMap(({ spans, processes }) =>
    spans.map(({ traceID, spanID, operationName, references, tags, processID }) => {
      const refs = (type: string) =>
        (references ?? []).filter(({ refType }) => refType === type).map((ref) => ({ traceId: ref.traceID, spanId: ref.spanID }));
      return {
        service: processes[processID]?.serviceName ?? '',
        name: operationName,
        traceId: traceID,
        spanId: spanID,
        parent: refs('CHILD_OF')[0] ?? refs('FOLLOWS_FROM').find(({ traceId }) => traceId === traceID) ?? null,
        links: refs('FOLLOWS_FROM'),
        attributes: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
      };
    }),
  );
}

function configuration(otlp: number, http: number, grpc: number): object {
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
    },
    extensions: {
      jaeger_query: {
        storage: { traces: 'memory' },
        http: { endpoint: `127.0.0.1:${http}` },
        grpc: { endpoint: `127.0.0.1:${grpc}` },
      },
      jaeger_storage: { backends: { memory: { memory: { max_traces: 100_000 } } } },
    },
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${otlp}` } } } },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  };
}
