import { settlesBefore } from '../async/deadline.ts';
import type { Environment } from '../config.ts';
import { describeError, type Logger } from '../logger.ts';
import { Counter, type Registry } from '../metrics.ts';
import { samplerOf } from './sampling.ts';
import { tracingOff, type Tracing } from './tracing.ts';

export interface OpenTracing {
  readonly tracing: Tracing;
  /** Sends what is still to be sent, for at most a second. Never rejects. */
  readonly stop: () => Promise<void>;
}

const stopMs = 1_000;
const warnEveryMs = 60_000;
const off: OpenTracing = { tracing: tracingOff, stop: () => Promise.resolve() };

/**
 * Tracing as the variables of OpenTelemetry say: off without `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`. Without it
 * the SDK is not loaded, which takes half a second and 23 MB. A bad variable is logged, and never stops a service.
 */
export async function openTracing(options: {
  readonly service: string;
  readonly env: Environment;
  readonly logger: Logger;
  readonly metrics?: Registry;
}): Promise<OpenTracing> {
  const { service, env, logger, metrics } = options;
  if (!hasEndpoint(env)) return off;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf';
  if (protocol !== 'http/protobuf' && protocol !== 'http/json') {
    logger.warn(
      { variable: 'OTEL_EXPORTER_OTLP_PROTOCOL', expected: 'http/protobuf or http/json' },
      'tracing is off: its protocol is not supported',
    );
    return off;
  }
  const { sample, problem } = samplerOf(env);
  if (problem !== null) logger.warn(problem, 'a variable of OpenTelemetry is not valid; its default applies');
  try {
    const [{ openSpanExport, resourceOf }, { createTracing }] = await Promise.all([import('./export.ts'), import('./spans.ts')]);
    const processor = openSpanExport({ env, protocol, onExport: reportExports(logger, metrics) });
    logger.info({ protocol }, 'tracing is on');
    return {
      tracing: createTracing({ sample, processor, resource: resourceOf(service) }),
      async stop() {
        await settlesBefore(
          processor.shutdown().catch(() => {}),
          Date.now() + stopMs,
        );
      },
    };
  } catch (error) {
    logger.warn({ err: error }, 'tracing is off: it could not be started');
    return off;
  }
}

function hasEndpoint(env: Environment): boolean {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return false;
  return Boolean(env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT']);
}

function reportExports(logger: Logger, metrics: Registry | undefined): (spans: number, error: Error | null) => void {
  const exported = new Counter({
    name: 'notion_mirror_spans_exported_total',
    help: 'Spans sent to the OTLP endpoint, or dropped because it did not take them.',
    labelNames: ['result'],
    registers: metrics === undefined ? [] : [metrics],
  });
  let warnedAt = Number.NEGATIVE_INFINITY;
  return (spans, error) => {
    exported.inc({ result: error === null ? 'sent' : 'dropped' }, spans);
    if (error === null || Date.now() - warnedAt < warnEveryMs) return;
    warnedAt = Date.now();
    // The error of an exporter may quote the answer of the endpoint.
    const { type, code } = describeError(error);
    logger.warn({ spans, type, ...(code === undefined ? {} : { code }) }, 'cannot export spans; they are dropped. Events are not affected');
  };
}
