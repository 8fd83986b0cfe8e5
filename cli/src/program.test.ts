import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { mirror } from '../test/surroundings.ts';
import { configurationDocs } from './configuration-docs.ts';

const folder = mkdtempSync(join(tmpdir(), 'mirror-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the command line', () => {
  test('help is a result, a missing or unknown command an error', async () => {
    const help = await mirror(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('doctor');
    expect(await mirror([])).toMatchObject({ code: 2, stdout: '' });
    const unknown = await mirror(['connections', 'ad']);
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
    expect(unknown.stderr).toContain('Did you mean add?');
  });

  test('a usage error is one JSON object too', async () => {
    for (const args of [['--json'], ['fly', '--json'], ['connections', 'pause', '--json'], ['--json', 'init', '--wait', 'soon']]) {
      const { code, stdout } = await mirror(args);
      expect(code).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'usage' } });
    }
  });

  test('invalid configuration exits every command that needs it with 78, before any question', async () => {
    const env = { MIRROR_KAFKA_BROKERS: 'nonsense', MIRROR_SCHEMA_REGISTRY_URL: 'ftp://me:hunter2@registry' };
    for (const args of [
      ['init'],
      ['doctor'],
      ['connections', 'list'],
      ['connections', 'add', 'c', '--notion-workspace-id', 'x'],
      ['handshake', 'show'],
    ]) {
      const { code, stdout, stderr } = await mirror(args, { env });
      expect(code).toBe(78);
      expect(stdout).toBe('');
      expect(stderr).toContain('MIRROR_KAFKA_BROKERS: "nonsense" does not fit');
      expect(stderr).not.toContain('hunter2');
    }
  });

  test.each([
    [['--workspace-id', 'a:b'], '--workspace-id: the id "a:b" holds a `:`'],
    [['--notion-workspace-id', 'https://www.notion.so/acme'], 'neither a Notion id'],
    [['--bot-id', '42'], '--bot-id: "42" is neither a Notion id'],
    [['--token', 'ntn_visible'], 'a token is not taken from the command line'],
    [['--token=ntn_visible'], 'a token is not taken from the command line'],
    [['--forget-token', '--token-file', 'x'], 'exclude each other'],
  ])('connections add %j is refused', async (options, message) => {
    const { code, stdout, stderr } = await mirror(['connections', 'add', 'c', ...options]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stdout + stderr).not.toContain('ntn_visible');
  });

  test('a token is stored only with a key, and read from a file or stdin', async () => {
    const noKey = await mirror(['connections', 'add', 'c', '--token-file', '-'], { stdin: 'ntn_secret' });
    expect(noKey.code).toBe(78);
    expect(noKey.stderr).toContain('MIRROR_ENCRYPTION_KEY');

    const env = { MIRROR_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64') };
    for (const [path, stdin, message] of [
      ['-', '', 'there is no token on stdin'],
      ['-', 'ntn_one\nntn_two', 'one line of printable ASCII'],
      ['ntn_given_as_a_path', '', 'the path of a file that holds the token'],
      [join(folder, 'missing'), '', 'cannot be read'],
    ] as const) {
      const run = await mirror(['connections', 'add', 'c', '--token-file', path], { env, stdin });
      expect(run.code).toBeGreaterThan(0);
      expect(run.stderr).toContain(message);
      expect(run.stdout + run.stderr).not.toMatch(/ntn_/);
    }
  });

  test('remove asks for confirmation, and without a terminal requires --yes', async () => {
    expect(await mirror(['connections', 'remove', 'c'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  });
});

describe('config', () => {
  test('check shows every variable, its origin, and no secret', async () => {
    const keys = join(folder, 'keys');
    writeFileSync(keys, 'sign-secret\n');
    const env = {
      MIRROR_NANGO_API_KEY: 'nango-secret',
      MIRROR_NANGO_SIGNING_KEYS_FILE: keys,
      MIRROR_SCHEMA_REGISTRY_URL: 'http://me:hunter2@registry:8081',
      MIRROR_KAFKA_BROKER: 'misspelt:9092',
    };
    const { code, stdout, stderr } = await mirror(['config', 'check'], { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/MIRROR_NANGO_API_KEY +environment +\(set\)/);
    expect(stdout).toMatch(/MIRROR_NANGO_SIGNING_KEYS +file +\(set\)/);
    expect(stdout).toMatch(/MIRROR_KAFKA_BROKERS +default +localhost:9092/);
    expect(stdout).toContain('MIRROR_KAFKA_BROKER is not a variable of the mirror');
    expect(stdout + stderr).not.toMatch(/nango-secret|sign-secret|hunter2/);
    const json = await mirror(['config', 'check', '--json'], { env });
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, problems: [], unknown: ['MIRROR_KAFKA_BROKER'] });
    expect(json.stdout).not.toMatch(/nango-secret|sign-secret|hunter2/);
  });

  test('check names every invalid variable and exits 78', async () => {
    const env = { MIRROR_HTTP_PORT: '70000', MIRROR_ENCRYPTION_KEY: 'c2hvcnQtc2VjcmV0' };
    const { code, stdout } = await mirror(['config', 'check'], { env });
    expect(code).toBe(78);
    expect(stdout).toMatch(/MIRROR_HTTP_PORT: "70000" does not fit\n +expected a port number/);
    expect(stdout).toContain('MIRROR_ENCRYPTION_KEY: the given value does not fit');
    expect(stdout).not.toContain('c2hvcnQ');
    const json: unknown = JSON.parse((await mirror(['config', 'check', '--json'], { env })).stdout);
    expect(json).toMatchObject({ ok: false, problems: [{ variable: 'MIRROR_HTTP_PORT' }, { variable: 'MIRROR_ENCRYPTION_KEY' }] });
  });

  test('conflicting settings are reported', async () => {
    const { code, stdout } = await mirror(['config', 'check'], { env: { MIRROR_TOMBSTONE_TTL_DAYS: '7', MIRROR_NOTION_HANDSHAKE: 'off' } });
    expect(code).toBe(0);
    expect(stdout).toContain('tombstones expire before the records of the log');
    expect(stdout).toContain('no webhook can be accepted');
  });

  test('docs prints, writes and checks the page', async () => {
    const file = join(folder, 'configuration.md');
    expect((await mirror(['config', 'docs'])).stdout).toBe(configurationDocs());
    expect((await mirror(['config', 'docs', '--check', file])).code).toBe(1);
    expect((await mirror(['config', 'docs', '--write', file])).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe(configurationDocs());
    expect((await mirror(['config', 'docs', '--check', file])).code).toBe(0);
    writeFileSync(file, configurationDocs().replace('| `24` |', '| `12` |'));
    const outdated = await mirror(['config', 'docs', '--check', file]);
    expect(outdated.code).toBe(1);
    expect(outdated.stderr).toMatch(/Line \d+\n +is: .*`12`.*\n +should be: .*`24`/);
    expect(outdated.stderr).toContain(`mirror config docs --write ${file}`);
  });
});
