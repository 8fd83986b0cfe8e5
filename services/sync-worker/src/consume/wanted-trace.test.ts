import { createTracing } from '@notion-mirror/service-kit/tracing/spans';
import { isSampled, spanIdOf } from '@notion-mirror/service-kit/tracing/trace-context';
import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { expect, test } from 'vitest';
import { recordSpans } from '../../test/recorded-spans.ts';
import { newWantedTrace, startWantedTrace } from './wanted-trace.ts';

const flood = (flags: '00' | '01') => `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`;
const ignoring = { onStart() {}, onEnd() {}, forceFlush: () => Promise.resolve(), shutdown: () => Promise.resolve() };

test('what a sampled flood leads to is sampled, whatever the ratio', () => {
  const never = createTracing({ sample: () => false, processor: ignoring });
  expect([flood('01'), flood('00'), undefined].map((handledIn) => isSampled(newWantedTrace(never, handledIn)))).toEqual([
    true,
    false,
    false,
  ]);
  const always = createTracing({ sample: () => true, processor: ignoring });
  expect(isSampled(newWantedTrace(always, flood('00')))).toBe(true);
  expect(isSampled(newWantedTrace(tracingOff, undefined))).toBe(false);
});

test('its first span is linked to the flood', () => {
  const { tracing, spans } = recordSpans();
  const trace = tracing.newTrace();
  startWantedTrace(tracing, 'want scan', trace, { workspaceId: 'acme', dataSourceId: 's1', handledIn: flood('01') });
  startWantedTrace(tracing, 'want sweep', tracing.newTrace(), { workspaceId: 'acme', handledIn: undefined });
  expect(spans).toMatchObject([
    {
      name: 'want scan',
      spanId: spanIdOf(trace),
      parent: undefined,
      links: [spanIdOf(flood('01'))],
      attributes: { 'notion_mirror.workspace_id': 'acme', 'notion_mirror.data_source_id': 's1' },
    },
    { name: 'want sweep', links: [], attributes: { 'notion_mirror.workspace_id': 'acme' } },
  ]);
});
