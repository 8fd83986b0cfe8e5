import { expect, test } from 'vitest';
import { samplerOf } from './sampling.ts';
import { newTrace, traceIdOf } from './trace-context.ts';

const traceIds = Array.from({ length: 20_000 }, () => traceIdOf(newTrace(() => false)));
const shareOf = (env: Record<string, string>) => {
  const { sample } = samplerOf(env);
  return traceIds.filter(sample).length / traceIds.length;
};

test.each([
  [{}, 0.05],
  [{ OTEL_TRACES_SAMPLER: '' }, 0.05],
  [{ OTEL_TRACES_SAMPLER: 'always_on' }, 1],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, 1],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, 0],
  [{ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' }, 0.5],
  [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '.25' }, 0.25],
  [{ OTEL_TRACES_SAMPLER_ARG: '1' }, 1],
  [{ OTEL_TRACES_SAMPLER_ARG: '0' }, 0],
])('%j samples a share of %d', (env, share) => {
  expect(samplerOf(env).problem).toBeNull();
  // Six standard deviations of 20,000 random ids are at most 0.022.
  expect(Math.abs(shareOf(env) - share)).toBeLessThan(share === 0 || share === 1 ? Number.EPSILON : 0.022);
});

test('all processes decide the same for an id, and a larger ratio never leaves one out', () => {
  const [few, many] = ['0.1', '0.4'].map((ratio) => samplerOf({ OTEL_TRACES_SAMPLER_ARG: ratio }).sample);
  const sampled = traceIds.filter((traceId) => few?.(traceId));
  expect(sampled.length).toBeGreaterThan(0);
  expect(sampled.every((traceId) => many?.(traceId))).toBe(true);
});

test.each([
  [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, 'OTEL_TRACES_SAMPLER'],
  [{ OTEL_TRACES_SAMPLER_ARG: '2' }, 'OTEL_TRACES_SAMPLER_ARG'],
  [{ OTEL_TRACES_SAMPLER_ARG: '5 %' }, 'OTEL_TRACES_SAMPLER_ARG'],
  [{ OTEL_TRACES_SAMPLER_ARG: '-1' }, 'OTEL_TRACES_SAMPLER_ARG'],
])('%j is named, and the default applies', (env, variable) => {
  expect(samplerOf(env).problem?.variable).toBe(variable);
  expect(shareOf(env)).toBeGreaterThan(0);
  expect(shareOf(env)).toBeLessThan(0.1);
});
