/** Decides by the id of a new trace. Every process would decide the same for it. */
export type SampleTrace = (traceId: string) => boolean;

/** Without a number of the operator's. Errors, dead letters and slow handling are exported in any case. */
const defaultRatio = 0.05;

export interface SamplingProblem {
  readonly variable: string;
  readonly expected: string;
}

/**
 * The sampler that `OTEL_TRACES_SAMPLER` and its `_ARG` name, by default `parentbased_traceidratio` of 0.05. Only the first process of a trace asks it: all
 * others follow the flag in the context, so a name with and without `parentbased_` is the same.
 */
export function samplerOf(env: Readonly<Record<string, string | undefined>>): {
  readonly sample: SampleTrace;
  readonly problem: SamplingProblem | null;
} {
  const name = (env['OTEL_TRACES_SAMPLER'] || 'parentbased_traceidratio').trim().toLowerCase();
  switch (name.replace(/^parentbased_/, '')) {
    case 'always_on':
      return { sample: () => true, problem: null };
    case 'always_off':
      return { sample: () => false, problem: null };
    case 'traceidratio': {
      const given = env['OTEL_TRACES_SAMPLER_ARG']?.trim() || String(defaultRatio);
      const ratio = /^\d*\.?\d+$/.test(given) ? Number(given) : Number.NaN;
      if (ratio >= 0 && ratio <= 1) return { sample: (traceId) => isInRatio(traceId, ratio), problem: null };
      return {
        sample: (traceId) => isInRatio(traceId, defaultRatio),
        problem: { variable: 'OTEL_TRACES_SAMPLER_ARG', expected: 'a number from 0 to 1' },
      };
    }
    default:
      return {
        sample: (traceId) => isInRatio(traceId, defaultRatio),
        problem: {
          variable: 'OTEL_TRACES_SAMPLER',
          expected: 'always_on, always_off, traceidratio, or one of them after parentbased_',
        },
      };
  }
}

/**
 * By the last 56 bits of the id, as OpenTelemetry's specification of consistent sampling has it; 52 of them, since a number holds no more exactly.
 */
function isInRatio(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-14, -1), 16) >= (1 - ratio) * 2 ** 52;
}
