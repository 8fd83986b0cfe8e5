import { styleText } from 'node:util';

/** Thrown by `step` after it has printed the reason: later checks would be meaningless. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** Throws when the check fails; a returned text is printed after its name. */
type Run = () => Promise<string | void>;

export interface Report {
  /** Runs a check and prints its result. A failure is counted, and later checks still run. */
  readonly check: (name: string, run: Run) => Promise<void>;
  /** A check that later ones depend on: throws `StepFailed`. */
  readonly step: (name: string, run: Run) => Promise<void>;
  readonly say: (line: string) => void;
  readonly failures: () => number;
  /** `N passed, N failed`. */
  readonly summary: () => string;
}

export function createReport(say: (line: string) => void): Report {
  let passed = 0;
  let failed = 0;
  const attempt = async (name: string, run: Run): Promise<boolean> => {
    const started = performance.now();
    const seconds = () => styleText('dim', `${((performance.now() - started) / 1000).toFixed(1)} s`);
    try {
      const detail = await run();
      passed += 1;
      say(`${styleText('green', '✓')} ${name}${typeof detail === 'string' ? `: ${detail}` : ''} ${seconds()}`);
      return true;
    } catch (error) {
      failed += 1;
      say(`${styleText('red', '✗')} ${name} ${seconds()}`);
      say(error instanceof Error ? indented(error) : String(error));
      return false;
    }
  };
  return {
    check: async (name, run) => {
      await attempt(name, run);
    },
    step: async (name, run) => {
      if (!(await attempt(name, run))) throw new StepFailed(name);
    },
    say,
    failures: () => failed,
    summary: () => `${passed} passed, ${failed} failed`,
  };
}

function indented(error: Error): string {
  const text = error.cause instanceof Error ? `${error.message}\n${error.cause.message}` : error.message;
  return text.replaceAll(/^/gm, '    ');
}
