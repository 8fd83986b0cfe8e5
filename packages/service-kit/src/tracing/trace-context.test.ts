import { expect, test } from 'vitest';
import { isSampled, newSpanOf, newTrace, readTraceparent, spanIdOf, traceFieldsOf, traceIdOf } from './trace-context.ts';

const given = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('reads a valid header, whatever its flags', () => {
  expect(readTraceparent(given)).toBe(given);
  expect(readTraceparent(given.replace(/01$/, '00'))).toBe(given.replace(/01$/, '00'));
});

test.each([
  undefined,
  null,
  '',
  'x',
  '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-00',
  '00-00000000000000000000000000000000-b7ad6b7169203331-00',
  '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-00',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\r\nx: y',
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\n',
  'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
])('reads nothing from %j', (header) => {
  expect(readTraceparent(header)).toBeUndefined();
});

test('names the parts as logs do', () => {
  expect(traceFieldsOf(given)).toEqual({
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    span_id: 'b7ad6b7169203331',
    trace_flags: '01',
  });
  expect(traceFieldsOf(undefined)).toEqual({});
});

test('only the lowest flag says that a trace is sampled', () => {
  const flagged = Array.from('0123456789abcdef', (digit) => given.replace(/01$/, `0${digit}`));
  expect(flagged.map(isSampled)).toEqual(flagged.map((_, flags) => flags % 2 === 1));
  expect(isSampled(undefined)).toBe(false);
});

test('a new trace has new ids, and the flag that was decided for its id', () => {
  const asked: string[] = [];
  const decided = [true, false];
  const traces = decided.map((decision) =>
    newTrace((traceId) => {
      asked.push(traceId);
      return decision;
    }),
  );
  expect(traces.map(readTraceparent)).toEqual(traces);
  expect(traces.map(isSampled)).toEqual(decided);
  expect(traces.map(traceIdOf)).toEqual(asked);
  expect(new Set(asked).size).toBe(2);
});

test('a new span stays in its trace, and keeps the decision', () => {
  for (const flags of ['00', '01']) {
    const parent = given.replace(/01$/, flags);
    const span = newSpanOf(parent);
    expect(readTraceparent(span)).toBe(span);
    expect([traceIdOf(span), isSampled(span)]).toEqual([traceIdOf(parent), isSampled(parent)]);
    expect(spanIdOf(span)).not.toBe(spanIdOf(parent));
  }
});
