import { InMemorySpanExporter, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { createTracing } from './spans.ts';
import { isSampled, readTraceparent, spanIdOf, traceIdOf } from './trace-context.ts';
import { tracingOff } from './tracing.ts';

const sampled = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const unsampled = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
const start = { name: 'process', kind: 'consumer' } as const;

function world(sample = true) {
  const exporter = new InMemorySpanExporter();
  const clock = { now: 1_000_000 };
  const tracing = createTracing({ sample: () => sample, processor: new SimpleSpanProcessor({ exporter }), now: () => clock.now });
  return { tracing, clock, spans: () => exporter.getFinishedSpans() };
}

const idsOf = (span: ReadableSpan | undefined) => [
  span?.spanContext().traceId,
  span?.parentSpanContext?.spanId,
  span?.spanContext().spanId,
];

test('a root has the ids that were chosen for its trace, and no parent', () => {
  const { tracing, spans } = world();
  const trace = tracing.newTrace();
  tracing.root(trace, start)?.end();
  expect(spans().map(idsOf)).toEqual([[traceIdOf(trace), undefined, spanIdOf(trace)]]);
});

test('a child has the ids of its context, and those of its parent', () => {
  const { tracing, spans } = world();
  const child = tracing.child(sampled, start);
  tracing.child(child?.trace, start)?.end();
  child?.end();
  const [inner, outer] = spans();
  expect(idsOf(outer)).toEqual([traceIdOf(sampled), spanIdOf(sampled), spanIdOf(child?.trace ?? '')]);
  expect(idsOf(inner)?.slice(0, 2)).toEqual([traceIdOf(sampled), spanIdOf(child?.trace ?? '')]);
});

test('nothing is made of a trace that is not sampled, or not known', () => {
  const { tracing, spans } = world(false);
  expect(tracing.root(tracing.newTrace(), start)).toBeNull();
  expect(tracing.child(unsampled, start)).toBeNull();
  expect(tracing.child(undefined, start)).toBeNull();
  expect(spans()).toEqual([]);
});

test('handling that is not sampled is exported when it is to be kept, with the ids and the time that it had all along', () => {
  const { tracing, clock, spans } = world();
  const asked: number[] = [];
  const observe = () =>
    tracing.observed(unsampled, () => {
      asked.push(clock.now);
      return { ...start, attributes: { a: 1 }, links: [{ trace: sampled, attributes: { b: 2 } }] };
    });
  observe()?.end();
  expect([asked, spans()]).toEqual([[], []]);
  const span = observe();
  span?.set({ outcome: 'dead_letter', none: undefined });
  clock.now += 5;
  span?.keep();
  span?.end('invalid/refused');
  const [found] = spans();
  expect(isSampled(span?.trace)).toBe(false);
  expect(idsOf(found)).toEqual([traceIdOf(unsampled), spanIdOf(unsampled), spanIdOf(span?.trace ?? '')]);
  expect(found).toMatchObject({
    startTime: [1_000, 0],
    status: { code: 2 },
    attributes: { a: 1, outcome: 'dead_letter', 'error.type': 'invalid/refused' },
    links: [{ context: { traceId: traceIdOf(sampled), spanId: spanIdOf(sampled) }, attributes: { b: 2 } }],
  });
  expect(found?.attributes).not.toHaveProperty('none');
});

test('and when it took long', () => {
  const { tracing, clock, spans } = world();
  for (const ms of [9_999, 10_000]) {
    const span = tracing.observed(unsampled, () => ({ ...start, name: `${ms}` }));
    clock.now += ms;
    span?.end();
  }
  expect(spans().map(({ name }) => name)).toEqual(['10000']);
});

test('sampled handling is exported whatever becomes of it', () => {
  const { tracing, spans } = world();
  tracing.observed(sampled, () => start)?.end();
  expect(spans()).toHaveLength(1);
});

test('a span has at most 128 links', () => {
  const { tracing, spans } = world();
  const links = Array.from({ length: 200 }, () => ({ trace: sampled }));
  tracing.child(sampled, { ...start, links })?.end();
  expect(spans()[0]?.links).toHaveLength(128);
});

test('without tracing a new trace is not sampled, and there are no spans', () => {
  const trace = tracingOff.newTrace();
  expect(readTraceparent(trace)).toBe(trace);
  expect(isSampled(trace)).toBe(false);
  expect([tracingOff.root(sampled, start), tracingOff.child(sampled, start), tracingOff.observed(sampled, () => start)]).toEqual([
    null,
    null,
    null,
  ]);
});
