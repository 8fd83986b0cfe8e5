import { randomUUID } from 'node:crypto';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base';
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { JsonTraceSerializer, TraceExporterMetricsHelper } from '@opentelemetry/otlp-transformer';
import { defaultResource, detectResources, envDetector, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { Environment } from '../config.ts';

export type Protocol = 'http/protobuf' | 'http/json';

/** Sends spans by OTLP in the background. The exporter itself reads `OTEL_EXPORTER_OTLP_*`. Spans that cannot be sent are dropped and reported. */
export function openSpanExport(options: {
  readonly env: Environment;
  readonly protocol: Protocol;
  readonly onExport: (spans: number, error: Error | null) => void;
}): BatchSpanProcessor {
  const { env, protocol, onExport } = options;
  const exporter = protocol === 'http/json' ? jsonExporter() : new OTLPTraceExporter();
  return new BatchSpanProcessor({
    exporter: reporting(exporter, onExport),
    ...count(env, 'OTEL_BSP_SCHEDULE_DELAY', 'scheduledDelayMillis'),
    ...count(env, 'OTEL_BSP_EXPORT_TIMEOUT', 'exportTimeoutMillis'),
    ...count(env, 'OTEL_BSP_MAX_QUEUE_SIZE', 'maxQueueSize'),
    ...count(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'maxExportBatchSize'),
  });
}

/** Who makes the spans: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` come before ours. */
export function resourceOf(service: string): Resource {
  const ours = { 'service.name': `notion-mirror-${service}`, 'service.namespace': 'notion-mirror', 'service.instance.id': randomUUID() };
  return defaultResource()
    .merge(resourceFromAttributes(ours))
    .merge(detectResources({ detectors: [envDetector] }));
}

/** As the exporter for protobuf is made. */
function jsonExporter(): SpanExporter {
  return new OTLPExporterBase<ReadableSpan[]>(
    createOtlpHttpExportDelegate(
      convertLegacyHttpOptions({}, 'TRACES', 'v1/traces', { 'Content-Type': 'application/json' }),
      JsonTraceSerializer,
      'otlp_http_json_span_exporter',
      TraceExporterMetricsHelper,
      undefined,
    ),
  );
}

function reporting(exporter: SpanExporter, onExport: (spans: number, error: Error | null) => void): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        onExport(spans.length, result.code === ExportResultCode.SUCCESS ? null : (result.error ?? new Error('the export failed')));
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}

function count<Name extends string>(env: Environment, variable: string, name: Name): { [key in Name]?: number } {
  const given = env[variable] ?? '';
  return /^[1-9]\d{0,8}$/.test(given) ? ({ [name]: Number(given) } as { [key in Name]: number }) : {};
}
