import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isolatedLog } from '@notion-mirror/event-log/testing/isolated-log';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startConsoleProcess } from './testing/console-process.ts';

const stack = inject('stack');
const log = isolatedLog(stack);
const folder = mkdtempSync(join(tmpdir(), 'console-page-'));
const env = {
  MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
  MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
  MIRROR_MONGODB_URI: stack.mongodbUri,
  MIRROR_TOPIC_PREFIX: log.prefix,
};

beforeAll(() => {
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<script nonce="__NONCE__" src="/assets/main-1.js"></script><meta nonce="__NONCE__">');
  writeFileSync(join(folder, 'assets', 'main-1.js'), 'export {};');
  writeFileSync(join(folder, 'build.json'), '{"build":"abc"}');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('it listens on loopback addresses, serves the page with a nonce, and stops when asked', async () => {
  const console = startConsoleProcess({ ...env, MIRROR_CONSOLE_PAGE: folder });
  await expect.poll(() => console.port('console port listens')).not.toBe(0);
  const at = `http://127.0.0.1:${console.port('console port listens')}`;
  const ops = `http://127.0.0.1:${console.port('operations port listens')}`;
  await expect.poll(async () => (await fetch(`${ops}/readyz`)).status).toBe(200);

  const page = await fetch(`${at}/t/acme/d/248104cd-477e-80fd-b757-e945d38000bd`);
  const [, nonce = ''] = /style-src 'self' 'nonce-([\w+/=]+)'/.exec(page.headers.get('content-security-policy') ?? '') ?? [];
  expect(nonce).not.toBe('');
  expect(await page.text()).toBe(`<script nonce="${nonce}" src="/assets/main-1.js"></script><meta nonce="${nonce}">`);
  expect(page.headers.get('cache-control')).toBe('no-cache');
  expect((await fetch(at)).headers.get('content-security-policy')).not.toContain(nonce);
  const script = await fetch(`${at}/assets/main-1.js`);
  expect(script.headers.get('cache-control')).toContain('immutable');
  expect(script.headers.get('x-content-type-options')).toBe('nosniff');
  expect((await fetch(`${at}/assets/missing.js`)).status).toBe(404);
  expect((await fetch(`${at}/assets/..%2f..%2fetc/passwd`)).status).toBe(404);
  expect((await fetch(`${at}/index.html`)).headers.get('content-security-policy')).toContain('nonce-');
  expect((await fetch(`${at}/api/me`)).headers.get('x-console-version')).toMatch(/\+abc$/);
  expect(await (await fetch(`${ops}/metrics`)).text()).toContain('notion_mirror_console_requests_total{route="/api/me",status="200"');

  // A viewer does not delay it.
  const stream = await fetch(`${at}/api/stream`);
  console.kill('SIGTERM');
  expect(await console.exited).toEqual({ code: 0, signal: null });
  await stream.body?.cancel().catch(() => {});
});

test('without a built page it names the command that builds it', async () => {
  const console = startConsoleProcess({ ...env, MIRROR_CONSOLE_PAGE: join(folder, 'nowhere') });
  await expect.poll(() => console.port('console port listens')).not.toBe(0);
  const at = `http://127.0.0.1:${console.port('console port listens')}`;
  const page = await fetch(at);
  expect([page.status, await page.text()]).toEqual([503, expect.stringContaining('node services/console/page/build.ts')]);
  expect((await fetch(`${at}/api/me`)).status).toBe(200);
  console.kill('SIGTERM');
  await console.exited;
});

test('without authentication it does not listen for other machines', async () => {
  const console = startConsoleProcess({ ...env, MIRROR_CONSOLE_HOST: '0.0.0.0' });
  expect(await console.exited).toEqual({ code: 78, signal: null });
  expect(console.errors()).toContain(
    'MIRROR_CONSOLE_ACCESS: off; expected tokens or proxy, since MIRROR_CONSOLE_HOST is no loopback address',
  );
});
