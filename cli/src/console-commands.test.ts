import { loadConfig } from '@notion-mirror/service-kit/config';
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { mirror } from '../test/surroundings.ts';

test('a token is printed once, with a line that the console reads and that does not hold it', async () => {
  const { code, stdout } = await mirror(['console', 'token', 'ann@example.com', '--operator', '--json']);
  const { token, line } = JSON.parse(stdout) as { token: string; line: string };
  expect(code).toBe(0);
  expect(line).not.toContain(token);
  const { consoleTokens } = loadConfig({ MIRROR_CONSOLE_ACCESS: 'tokens', MIRROR_CONSOLE_TOKENS: `# people\n${line}\n` }, 'console');
  expect(consoleTokens).toEqual([{ name: 'ann@example.com', role: 'operator', hash: createHash('sha256').update(token).digest('hex') }]);
  expect((await mirror(['console', 'token', 'ann'])).stdout).toMatch(/^ann viewer sha256:[0-9a-f]{64}$/m);
});

test('a name that a line cannot hold is refused', async () => {
  expect((await mirror(['console', 'token', 'Ann Smith'])).code).toBe(2);
});
