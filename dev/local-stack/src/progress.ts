import { performance } from 'node:perf_hooks';
import picocolors from 'picocolors';

/** Progress of a long operation. `step` is shown to the user and identifies the events of one step. */
export type ProgressEvent =
  | { kind: 'begin'; step: string }
  | { kind: 'advance'; step: string; detail: string }
  | { kind: 'done'; step: string; detail: string }
  | { kind: 'failed'; step: string }
  | { kind: 'note'; text: string };

export type OnProgress = (event: ProgressEvent) => void;

/**
 * Runs `work` as one step: begin, then done (with the text of `describe` for the result) or failed.
 * `work` gets a function that reports its progress.
 */
export async function reportStep<T>(
  onProgress: OnProgress,
  step: string,
  work: (advance: (detail: string) => void) => Promise<T>,
  describe: (result: T) => string = () => '',
): Promise<T> {
  onProgress({ kind: 'begin', step });
  try {
    const result = await work((detail) => onProgress({ kind: 'advance', step, detail }));
    onProgress({ kind: 'done', step, detail: describe(result) });
    return result;
  } catch (error) {
    onProgress({ kind: 'failed', step });
    throw error;
  }
}

export type ProgressPrinter = { onProgress: OnProgress; close(): void };

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 120;
const plainReminderMs = 10_000;

/**
 * Prints progress: on a terminal one updating line (every running step with its elapsed time) below the finished steps;
 * elsewhere plain lines at the begin and end of a step, and every 10 seconds while it runs.
 */
export function createProgressPrinter(out: {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
  colour?: boolean | undefined;
  now?: (() => number) | undefined;
}): ProgressPrinter {
  const tty = out.isTTY === true;
  const now = out.now ?? (() => performance.now());
  const colours = picocolors.createColors(out.colour ?? (tty && picocolors.isColorSupported));
  const running = new Map<string, { startedAt: number; detail: string }>();
  let timer: NodeJS.Timeout | null = null;
  let frame = 0;

  function seconds(step: { startedAt: number }): string {
    return `${((now() - step.startedAt) / 1000).toFixed(1)} s`;
  }

  function draw(): void {
    const steps = [...running].map(([name, step]) => [name, step.detail, seconds(step)].filter(Boolean).join('  '));
    const text = steps.length === 0 ? '' : `${spinner[frame % spinner.length] ?? ''} ${steps.join(' · ')}`;
    out.write(`\r\u001b[2K${text.slice(0, (out.columns || 80) - 1)}`);
  }

  function line(text: string): void {
    out.write(tty ? `\r\u001b[2K${text}\n` : `${text}\n`);
    if (tty) draw();
  }

  function tick(): void {
    frame += 1;
    if (tty) draw();
    else for (const [name, step] of running) line(`… ${[name, step.detail, seconds(step)].filter(Boolean).join('  ')}`);
  }

  function onProgress(event: ProgressEvent): void {
    if (event.kind === 'note') return line(event.text);
    const step = running.get(event.step) ?? { startedAt: now(), detail: '' };
    if (event.kind === 'begin') {
      running.set(event.step, step);
      timer ??= setInterval(tick, tty ? frameMs : plainReminderMs).unref();
      if (!tty) line(`… ${event.step}`);
    } else if (event.kind === 'advance') {
      step.detail = event.detail;
    } else {
      running.delete(event.step);
      const sign = event.kind === 'done' ? colours.green('✓') : colours.red('✗');
      const detail = event.kind === 'done' ? event.detail : 'failed';
      line(`${sign} ${[event.step, detail, colours.dim(seconds(step))].filter(Boolean).join('  ')}`);
      if (running.size === 0) close();
    }
  }

  function close(): void {
    if (timer) clearInterval(timer);
    timer = null;
    if (tty) out.write('\r\u001b[2K');
  }

  return { onProgress, close };
}
