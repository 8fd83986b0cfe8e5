import { expect, test } from 'vitest';
import { scanTraceOf, traceOf, traceText } from './trace.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const template = 'https://traces.example/trace/{traceId}?from=mirror';
const outcome = (flags: string, what = 'written') => ({ trace_id: traceId, trace_flags: flags, outcome: what });

test('a sampled trace has a link, if a place is configured', () => {
  const found = traceOf(outcome('01'), template);
  expect(found).toEqual({ traceId, isSampled: true, url: `https://traces.example/trace/${traceId}?from=mirror` });
  expect(traceText(found!)).toBe(`trace ${traceId}: https://traces.example/trace/${traceId}?from=mirror`);
  expect(traceText(traceOf(outcome('01'), undefined)!)).toBe(`trace ${traceId}`);
});

test('one that is not sampled has none, except for a dead letter', () => {
  expect(traceText(traceOf(outcome('00'), template)!)).toBe(`trace ${traceId} (not sampled)`);
  expect(traceOf(outcome('00', 'dead_letter'), template)?.url).not.toBeNull();
});

test('an event that was left to a scan names the trace of that', () => {
  const scan = { scan_trace_id: traceId, scan_trace_flags: '01' };
  expect(scanTraceOf(scan, template)).toEqual({ traceId, isSampled: true, url: `https://traces.example/trace/${traceId}?from=mirror` });
  expect(scanTraceOf({ ...scan, scan_trace_flags: '00' }, template)).toEqual({ traceId, isSampled: false, url: null });
  expect(scanTraceOf({}, template)).toBeNull();
});

test('an outcome of an earlier version has no trace', () => {
  expect(traceOf({ outcome: 'written' }, template)).toBeNull();
});
