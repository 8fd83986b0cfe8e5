import { describe, expect, test, vi } from 'vitest';
import { createProgressPrinter, reportStep, type ProgressEvent } from './progress.ts';

function printerOn(out: { isTTY: boolean; columns?: number }) {
  const written: string[] = [];
  let time = 0;
  const printer = createProgressPrinter({ ...out, colour: false, now: () => time, write: (text) => written.push(text) });
  return { ...printer, text: () => written.join(''), last: () => written.at(-1), wait: (ms: number) => (time += ms) };
}

describe('reportStep', () => {
  test('reports begin, advance and done, and returns the result', async () => {
    const events: ProgressEvent[] = [];
    const result = await reportStep(
      (event) => events.push(event),
      'Fetching',
      async (advance) => {
        advance('3 files');
        return 7;
      },
      (seven) => `got ${seven}`,
    );
    expect(result).toBe(7);
    expect(events).toEqual([
      { kind: 'begin', step: 'Fetching' },
      { kind: 'advance', step: 'Fetching', detail: '3 files' },
      { kind: 'done', step: 'Fetching', detail: 'got 7' },
    ]);
  });

  test('reports a failure and rethrows the error', async () => {
    const events: ProgressEvent[] = [];
    await expect(
      reportStep(
        (event) => events.push(event),
        'Fetching',
        () => Promise.reject(new Error('no network')),
      ),
    ).rejects.toThrow('no network');
    expect(events.at(-1)).toEqual({ kind: 'failed', step: 'Fetching' });
  });
});

describe('the progress printer', () => {
  test('prints plain lines without a terminal', () => {
    const printer = printerOn({ isTTY: false });
    printer.onProgress({ kind: 'begin', step: 'Fetching Kafka' });
    printer.wait(1_240);
    printer.onProgress({ kind: 'advance', step: 'Fetching Kafka', detail: '3 files' });
    printer.onProgress({ kind: 'done', step: 'Fetching Kafka', detail: '43 MB' });
    expect(printer.text()).toBe('… Fetching Kafka\n✓ Fetching Kafka  43 MB  1.2 s\n');
  });

  test('prints a reminder of a long step every ten seconds without a terminal', () => {
    vi.useFakeTimers();
    try {
      const printer = printerOn({ isTTY: false });
      printer.onProgress({ kind: 'begin', step: 'Fetching Kafka' });
      printer.onProgress({ kind: 'advance', step: 'Fetching Kafka', detail: '3 files' });
      printer.wait(10_000);
      vi.advanceTimersByTime(10_000);
      expect(printer.last()).toBe('… Fetching Kafka  3 files  10.0 s\n');
      printer.onProgress({ kind: 'failed', step: 'Fetching Kafka' });
      vi.advanceTimersByTime(60_000);
      expect(printer.last()).toBe('✗ Fetching Kafka  failed  10.0 s\n');
    } finally {
      vi.useRealTimers();
    }
  });

  test('keeps one updating line on a terminal, cut to its width, below the finished steps', () => {
    const printer = printerOn({ isTTY: true, columns: 30 });
    printer.onProgress({ kind: 'begin', step: 'Fetching Kafka' });
    printer.onProgress({ kind: 'begin', step: 'Fetching mongod' });
    printer.onProgress({ kind: 'done', step: 'Fetching mongod', detail: '' });
    expect(printer.text()).toContain('\r\u001b[2K✓ Fetching mongod  0.0 s\n');
    const line = printer.last()?.replace('\r\u001b[2K', '') ?? '';
    expect(line).toContain('Fetching Kafka');
    expect(line.length).toBeLessThan(30);
    printer.onProgress({ kind: 'done', step: 'Fetching Kafka', detail: '' });
    expect(printer.last()).toBe('\r\u001b[2K');
  });
});
