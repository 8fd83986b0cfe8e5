import { ROOT_CONTEXT, SpanKind as ApiKind, SpanStatusCode, trace as api, type Context, type SpanContext } from '@opentelemetry/api';
import { AlwaysOnSampler, TracerProvider, type SpanProcessor, type TracerProviderOptions } from '@opentelemetry/sdk-trace';
import type { SampleTrace } from './sampling.ts';
import { isSampled, newSpanOf, newTrace, spanIdOf, traceIdOf } from './trace-context.ts';
import type { Attributes, Link, Span, SpanKind, SpanStart, Tracing } from './tracing.ts';

/** Handling that takes longer is exported whether it is sampled or not. */
const slowMs = 10_000;
/** OpenTelemetry's limit. */
const maxLinks = 128;

const kinds: Readonly<Record<SpanKind, ApiKind>> = {
  server: ApiKind.SERVER,
  client: ApiKind.CLIENT,
  producer: ApiKind.PRODUCER,
  consumer: ApiKind.CONSUMER,
  internal: ApiKind.INTERNAL,
};

/**
 * Tracing with OpenTelemetry's SDK. Ids and the decision to sample are made here, before there is a span: so what is not sampled costs a few characters,
 * and a span that turns out to be worth exporting has the ids that its log line and its record have.
 */
export function createTracing(options: {
  readonly sample: SampleTrace;
  readonly processor: SpanProcessor;
  readonly resource?: TracerProviderOptions['resource'];
  readonly now?: () => number;
}): Tracing {
  const { sample, processor, now = Date.now } = options;
  /** The ids of the span that is made next. */
  let ids = '';
  const provider = new TracerProvider({
    ...(options.resource === undefined ? {} : { resource: options.resource }),
    sampler: new AlwaysOnSampler(),
    idGenerator: { generateTraceId: () => traceIdOf(ids), generateSpanId: () => spanIdOf(ids) },
    spanProcessors: [processor],
  });
  const tracer = provider.getTracer('notion-mirror');

  function make(trace: string, parent: Context, { name, kind, attributes, links, startedAt }: SpanStart) {
    ids = trace;
    return tracer.startSpan(
      name,
      {
        kind: kinds[kind],
        attributes: defined(attributes),
        links: (links ?? []).slice(0, maxLinks).map(linkOf),
        ...(startedAt === undefined ? {} : { startTime: startedAt }),
      },
      parent,
    );
  }

  function started(trace: string, parent: Context, start: SpanStart): Span {
    const span = make(trace, parent, start);
    return {
      trace,
      set: (attributes) => void span.setAttributes(defined(attributes)),
      event: (name) => void span.addEvent(name),
      keep: () => {},
      end(error) {
        if (error !== undefined) span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  /** Of a trace that is not sampled: made at its end, if at all. */
  function late(parent: string, start: () => SpanStart): Span {
    const trace = newSpanOf(parent);
    const startedAt = now();
    const known: Attributes[] = [];
    let isKept = false;
    return {
      trace,
      set: (attributes) => void known.push(attributes),
      event: () => {},
      keep() {
        isKept = true;
      },
      end(error) {
        if (!isKept && now() - startedAt < slowMs) return;
        const span = started(trace, contextOf(parent), { startedAt, ...start() });
        for (const attributes of known) span.set(attributes);
        span.end(error);
      },
    };
  }

  return {
    isOn: true,
    newTrace: () => newTrace(sample),
    root: (trace, start) => (isSampled(trace) ? started(trace, ROOT_CONTEXT, start) : null),
    child(parent, start) {
      return parent !== undefined && isSampled(parent) ? started(newSpanOf(parent), contextOf(parent), start) : null;
    },
    observed: (parent, start) => (isSampled(parent) ? started(newSpanOf(parent), contextOf(parent), start()) : late(parent, start)),
  };
}

function contextOf(trace: string): Context {
  return api.setSpanContext(ROOT_CONTEXT, spanContextOf(trace));
}

function spanContextOf(trace: string): SpanContext {
  return { traceId: traceIdOf(trace), spanId: spanIdOf(trace), traceFlags: isSampled(trace) ? 1 : 0, isRemote: true };
}

function linkOf({ trace, attributes }: Link) {
  return { context: spanContextOf(trace), attributes: defined(attributes) };
}

function defined(attributes: Attributes = {}): Record<string, string | number | boolean> {
  const found: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) found[name] = value;
  return found;
}
