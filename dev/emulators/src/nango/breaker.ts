import { z } from 'zod';

/** Nango's defaults: more than 5 failed attempts within 10 s open it for 60 s. */
export const breakerSchema = z.strictObject({
  failureThreshold: z.int().min(0).default(5),
  windowMs: z.number().min(0).default(10_000),
  cooldownMs: z.number().min(0).default(60_000),
});
export type BreakerSettings = z.output<typeof breakerSchema>;

export type BreakerState = 'closed' | 'open' | 'half_open';

/** One circuit per URL, as in Nango. */
export interface CircuitBreaker {
  /** Runs an attempt, which resolves to whether it succeeded. `refused`: the breaker is open and nothing ran. */
  execute(url: string, attempt: () => Promise<boolean>): Promise<'succeeded' | 'failed' | 'refused'>;
  state(url: string): BreakerState;
  reset(): void;
}

interface Circuit {
  /** Start of the window of counted failures, set by the first of them. */
  windowStart: number;
  failures: number;
  state: BreakerState;
  /** An open or half-open circuit refuses until then. */
  until: number;
}

export function createCircuitBreaker(settings: () => BreakerSettings | null, now: () => number): CircuitBreaker {
  const circuits = new Map<string, Circuit>();

  const circuitOf = (url: string): Circuit => {
    const known = circuits.get(url) ?? { windowStart: -Infinity, failures: 0, state: 'closed', until: 0 };
    circuits.set(url, known);
    return known;
  };

  const runClosed = async (
    circuit: Circuit,
    attempt: () => Promise<boolean>,
    { failureThreshold, windowMs, cooldownMs }: BreakerSettings,
  ) => {
    if (await attempt()) return 'succeeded';
    if (now() >= circuit.windowStart + windowMs) {
      circuit.windowStart = now();
      circuit.failures = 0;
    }
    circuit.failures += 1;
    if (circuit.failures > failureThreshold) {
      circuit.state = 'open';
      circuit.until = now() + cooldownMs;
    }
    return 'failed';
  };

  /** Lets one attempt through to test whether the receiver has recovered; other attempts are refused meanwhile. */
  const runProbe = async (circuit: Circuit, url: string, attempt: () => Promise<boolean>, { cooldownMs }: BreakerSettings) => {
    const startedAt = now();
    circuit.state = 'half_open';
    circuit.until = startedAt + cooldownMs;
    if (await attempt()) {
      circuits.delete(url);
      return 'succeeded';
    }
    circuit.state = 'open';
    circuit.until = startedAt + cooldownMs;
    return 'failed';
  };

  return {
    execute: async (url, attempt) => {
      const current = settings();
      if (current === null) return (await attempt()) ? 'succeeded' : 'failed';
      const circuit = circuitOf(url);
      if (circuit.state === 'closed') return runClosed(circuit, attempt, current);
      return now() < circuit.until ? 'refused' : runProbe(circuit, url, attempt, current);
    },
    state: (url) => circuits.get(url)?.state ?? 'closed',
    reset: () => circuits.clear(),
  };
}
