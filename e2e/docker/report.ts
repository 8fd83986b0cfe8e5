import { styleText } from 'node:util';

/** Thrown by `step`, after it has said why: what comes after it makes no sense. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

export interface Report {
  /** Runs a check and says how it went. A failure is counted, and the others still run. */
  check(name: string, run: () => Promise<string | void> | string | void): Promise<void>;
  /** A check that the later ones build on: throws `StepFailed`. */
  step(name: string, run: () => Promise<string | void>): Promise<void>;
  say(line: string): void;
  readonly failed: number;
  /** `N passed, N failed`. */
  summary(): string;
}

/** A check's returned text is printed beside its name. */
export function createReport(say: (line: string) => void): Report {
  let passed = 0;
  let failed = 0;
  const attempt = async (name: string, run: () => Promise<string | void> | string | void): Promise<boolean> => {
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
    get failed() {
      return failed;
    },
    summary: () => `${passed} passed, ${failed} failed`,
  };
}

function indented(error: Error): string {
  const text = error.cause instanceof Error ? `${error.message}\n${error.cause.message}` : error.message;
  return text.replaceAll(/^/gm, '    ');
}
