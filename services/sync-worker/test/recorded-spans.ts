import { createTracing } from '@notion-mirror/service-kit/tracing/spans';
import type { Attributes, Tracing } from '@notion-mirror/service-kit/tracing/tracing';

/** A span that has ended. `parent`, `links`: ids of spans. */
export interface RecordedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string | undefined;
  readonly links: readonly string[];
  readonly attributes: Attributes;
}

/** Tracing that samples everything, and keeps what would be exported. */
export function recordSpans(): { readonly tracing: Tracing; readonly spans: readonly RecordedSpan[] } {
  const spans: RecordedSpan[] = [];
  const tracing = createTracing({
    sample: () => true,
    processor: {
      onStart() {},
      onEnd: (span) =>
        void spans.push({
          name: span.name,
          ...span.spanContext(),
          parent: span.parentSpanContext?.spanId,
          links: span.links.map(({ context }) => context.spanId),
          attributes: span.attributes as Attributes,
        }),
      forceFlush: () => Promise.resolve(),
      shutdown: () => Promise.resolve(),
    },
  });
  return { tracing, spans };
}
