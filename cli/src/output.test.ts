import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import { expect, test } from 'vitest';
import { createOutput, table } from './output.ts';

function outputTo(isTTY: boolean, env: Record<string, string> = {}, isJson = false) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({ write: (text: string) => (written[name] += text), isTTY });
  return { written, output: createOutput({ stdout: sink('stdout'), stderr: sink('stderr'), env, isJson }) };
}

const escape = '\u001B[';

test('colours are used only on terminals, and only if not declined', () => {
  for (const [isTTY, env, hasColor] of [
    [true, {}, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
  ] as const) {
    const { output, written } = outputTo(isTTY, env);
    output.result(true, {}, (colors) => colors.red('x'));
    output.warning('y');
    expect(written.stdout.includes(escape)).toBe(hasColor);
    expect(written.stderr.includes(escape)).toBe(hasColor);
  }
});

test('with --json stdout holds one object, even on failure, and stderr stays readable', () => {
  const { output, written } = outputTo(true, {}, true);
  output.note('working');
  output.result(true, { answer: 42 }, () => 'for people');
  expect(written.stdout).toBe('{"ok":true,"answer":42}\n');
  expect(written.stderr).toContain('working');

  const failing = outputTo(false, {}, true);
  failing.output.error({ code: 'why', message: 'it broke', remedy: 'fix it' });
  expect(JSON.parse(failing.written.stdout)).toEqual({ ok: false, error: { code: 'why', message: 'it broke', remedy: 'fix it' } });
  expect(failing.written.stderr).toBe('error it broke\n  → fix it\n');
});

test('columns are as wide as their widest text, regardless of style', () => {
  const colors = pc.createColors(true);
  const text = table([
    ['a', { text: 'née', style: colors.red }, 'end'],
    ['long', 'b', ''],
  ]);
  expect(stripVTControlCharacters(text)).toBe('a     née  end\nlong  b');
});
