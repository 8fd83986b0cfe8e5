import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';

const script = join(import.meta.dirname, 'audit.ts');
const patience = { timeout: 60_000 };

/** A vulnerability of every version of a package, as the registry's bulk endpoint reports it. */
let ids = 1_000;

function advisory(id: string, severity: string): object {
  ids += 1;
  return {
    id: ids,
    url: `https://github.com/advisories/${id}`,
    title: 'is bad',
    severity,
    vulnerable_versions: '<=999.0.0',
    cwe: [],
    cvss: { score: 8, vectorString: null },
  };
}

/** Runs the audit against a registry with the given answer, and with these exceptions. */
async function audit(
  status: number,
  body: object,
  exceptions: readonly object[] = [],
): Promise<{ code: number | null; output: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    request.resume().on('end', () => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const folder = mkdtempSync(join(tmpdir(), 'mirror-audit-'));
  onTestFinished(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'exceptions.json');
  writeFileSync(file, JSON.stringify(exceptions));
  const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, pnpm_config_registry: registry, AUDIT_EXCEPTIONS: file },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = await text(child.stdout);
  if (child.exitCode === null) await once(child, 'exit');
  return { code: child.exitCode, output, asked };
}

test('passes when the registry knows of no vulnerability', patience, async () => {
  const { code, output, asked } = await audit(200, {});
  expect(asked).toContain('/-/npm/v1/security/advisories/bulk');
  expect(output).toBe('1 passed, 0 failed\n');
  expect(code).toBe(0);
});

test('fails on a high or critical vulnerability in what is shipped; others are remarks', patience, async () => {
  const { code, output } = await audit(200, {
    pino: [advisory('GHSA-aaaa-aaaa-aaaa', 'high')],
    kafkajs: [advisory('GHSA-bbbb-bbbb-bbbb', 'moderate')],
    testcontainers: [advisory('GHSA-cccc-cccc-cccc', 'critical')],
  });
  expect(output).toMatch(/✗.* pino .*high: is bad \(GHSA-aaaa-aaaa-aaaa/);
  expect(output).toMatch(/!.* kafkajs .*moderate/);
  expect(output).toMatch(/!.* testcontainers .*critical.*\n.*not shipped/);
  expect(output).toMatch(/^0 passed, 1 failed$/m);
  expect(code).toBe(1);
});

test('an exception counts until its date', patience, async () => {
  const found = { pino: [advisory('GHSA-aaaa-aaaa-aaaa', 'critical')] };
  const excused = await audit(200, found, [{ advisory: 'GHSA-aaaa-aaaa-aaaa', reason: 'we do not call it', until: '2999-01-01' }]);
  expect(excused).toMatchObject({ code: 0, output: expect.stringContaining('left alone until 2999-01-01: we do not call it') });
  const expired = await audit(200, found, [{ advisory: 'GHSA-aaaa-aaaa-aaaa', reason: 'we do not call it', until: '2020-01-01' }]);
  expect(expired).toMatchObject({ code: 1, output: expect.stringContaining('0 passed, 1 failed') });
});

test('says that nothing was audited when the registry does not support it, and passes', patience, async () => {
  const { code, output } = await audit(405, {});
  expect(output).toContain('the dependencies are not audited here');
  expect(output).toMatch(/^0 passed, 0 failed$/m);
  expect(code).toBe(0);
});
