import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, configProblems, describeSettings, loadConfig, unknownVariables } from './config.ts';

describe('configuration', () => {
  test('an empty environment gives the documented defaults', () => {
    const config = loadConfig({}, 'ingress');
    expect(config.kafka).toEqual({ brokers: ['localhost:9092'], ssl: false, sasl: null });
    expect(config.mongodbUri).toBe('mongodb://localhost:27017/notion_mirror?replicaSet=rs0');
    expect(config.http.port).toBe(3000);
    expect(config.ops.port).toBe(3100);
    expect(loadConfig({}, 'sync-worker').ops.port).toBe(3101);
    expect(loadConfig({}, 'delete-worker').ops.port).toBe(3102);
    expect(loadConfig({}, 'sync-worker').clockToleranceMs).toBe(10_000);
    expect(config.nangoSigningKeys).toEqual([]);
    expect(config.encryptionKey).toBeNull();
  });

  test('lists are split and trimmed, an empty variable counts as missing', () => {
    const config = loadConfig({ MIRROR_NANGO_SIGNING_KEYS: ' new , old ', MIRROR_NANGO_URL: '' }, 'cli');
    expect(config.nangoSigningKeys).toEqual(['new', 'old']);
    expect(config.nango.url).toBe('https://api.nango.dev');
  });

  test('every bad variable is named at once, and no secret is shown', () => {
    const env = {
      MIRROR_KAFKA_BROKERS: 'nonsense',
      MIRROR_OPS_PORT: '70000',
      MIRROR_ENCRYPTION_KEY: 'c2hvcnQtc2VjcmV0',
      MIRROR_MONGODB_URI: 'postgres://user:hunter2@host',
      MIRROR_KAFKA_SASL_MECHANISM: 'plain',
      MIRROR_NANGO_URL: 'ftp://user:hunter2@nango',
    };
    const error = new ConfigError(configProblems(env));
    expect(error.problems.map((problem) => problem.variable).toSorted()).toEqual([
      'MIRROR_ENCRYPTION_KEY',
      'MIRROR_KAFKA_BROKERS',
      'MIRROR_KAFKA_SASL_PASSWORD',
      'MIRROR_KAFKA_SASL_USERNAME',
      'MIRROR_MONGODB_URI',
      'MIRROR_NANGO_URL',
      'MIRROR_OPS_PORT',
    ]);
    expect(error.exitCode).toBe(78);
    expect(error.message).toContain('32 bytes in base64');
    expect(error.message).not.toMatch(/c2hvcnQ|hunter2/);
  });

  test("Kubernetes' link to a Service called mirror-ops is not mistaken for a bad port", () => {
    const { problems, message } = caught(() => loadConfig({ MIRROR_OPS_PORT: 'tcp://10.96.229.204:3100' }, 'delete-worker'));
    expect(problems.map(({ variable }) => variable)).toEqual(['MIRROR_OPS_PORT']);
    expect(message).toContain('"tcp://10.96.229.204:3100" is no setting but Kubernetes\' link to a Service called mirror-ops');
    expect(message).toContain('expected a port number (0: any free one): put `enableServiceLinks: false` into the spec of the pod');
    const http = caught(() => loadConfig({ MIRROR_HTTP_PORT: 'tcp://10.96.0.7:3000' }, 'ingress'));
    expect(http.message).toContain('a Service called mirror-http');
    expect(caught(() => loadConfig({ MIRROR_OPS_PORT: 'tcp://' }, 'ingress')).message).toContain('"tcp://" does not fit');
    expect(caught(() => loadConfig({ MIRROR_NANGO_URL: 'tcp://nango:80' }, 'sync-worker')).message).toContain('does not fit');
  });

  test('a service neither parses nor returns what it does not use', () => {
    const env = { MIRROR_NANGO_URL: 'nonsense', MIRROR_NANGO_API_KEY_FILE: '/nowhere', MIRROR_HTTP_PORT: 'nonsense' };
    const config = loadConfig(env, 'delete-worker');
    expect(Object.keys(config).toSorted()).toEqual([
      'clockToleranceMs',
      'kafka',
      'logLevel',
      'mongodbUri',
      'notionLagMs',
      'ops',
      'outcomeRetentionMs',
      'rows',
      'schemaRegistry',
      'shutdownMs',
      'topicPrefix',
    ]);
    const namedBy = (service: 'ingress' | 'sync-worker') => caught(() => loadConfig(env, service)).problems.map(({ variable }) => variable);
    expect(namedBy('ingress')).toEqual(['MIRROR_HTTP_PORT']);
    expect(namedBy('sync-worker')).toEqual(['MIRROR_NANGO_URL', 'MIRROR_NANGO_API_KEY_FILE']);
    expect(configProblems(env)).toHaveLength(3);
  });

  test('a tombstone outlives what a worker remembers of its writes', () => {
    expect(loadConfig({ MIRROR_TOMBSTONE_TTL_DAYS: '0.05' }, 'cli').tombstoneTtlMs).toBe(4_320_000);
    expect(caught(() => loadConfig({ MIRROR_TOMBSTONE_TTL_DAYS: '0.005' }, 'cli')).message).toContain('0.05 or more');
  });

  test('a secret can come from a file, but not both ways', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mirror-config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'keys');
    writeFileSync(file, 'from-file\n');
    expect(loadConfig({ MIRROR_NANGO_SIGNING_KEYS_FILE: file }, 'ingress').nangoSigningKeys).toEqual(['from-file']);
    const both = { MIRROR_NANGO_SIGNING_KEYS_FILE: file, MIRROR_NANGO_SIGNING_KEYS: 'direct' };
    expect(caught(() => loadConfig(both, 'ingress')).message).toContain('set twice');
    const missing = caught(() => loadConfig({ MIRROR_NANGO_API_KEY_FILE: `${file}.nowhere` }, 'sync-worker'));
    expect(missing.message).toMatch(/MIRROR_NANGO_API_KEY_FILE: cannot read .*ENOENT/);
  });

  test('settings are described without their secrets', () => {
    const settings = describeSettings({ MIRROR_NANGO_API_KEY: 'nango-secret', MIRROR_HTTP_PORT: '8080' });
    expect(JSON.stringify(settings)).not.toContain('nango-secret');
    expect(settings).toContainEqual({ variable: 'MIRROR_NANGO_API_KEY', origin: 'environment', shown: '(set)' });
    expect(settings).toContainEqual({ variable: 'MIRROR_HTTP_PORT', origin: 'environment', shown: '8080' });
    expect(settings).toContainEqual({ variable: 'MIRROR_HTTP_HOST', origin: 'default', shown: '0.0.0.0' });
  });

  test('a misspelt variable is reported, those of the development tools are not', () => {
    expect(unknownVariables({ MIRROR_KAFKA_BROKER: 'a:1', MIRROR_STACK: 'docker', MIRROR_NANGO_API_KEY_FILE: 'x', HOME: '/' })).toEqual([
      'MIRROR_KAFKA_BROKER',
    ]);
  });
});

function caught(action: () => unknown): ConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('expected a ConfigError');
}

const problemsOf = (env: Record<string, string>) => configProblems(env).map(({ variable, problem }) => `${variable}: ${problem}`);

describe('the console', () => {
  const token = `ann viewer sha256:${'a'.repeat(64)}`;

  test('needs authentication to be reached from other machines', () => {
    expect(problemsOf({ MIRROR_CONSOLE_HOST: '0.0.0.0' })).toEqual(['MIRROR_CONSOLE_ACCESS: off']);
    expect(problemsOf({ MIRROR_CONSOLE_ORIGIN: 'https://mirror.example.com' })).toEqual(['MIRROR_CONSOLE_ACCESS: off']);
    for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) expect(problemsOf({ MIRROR_CONSOLE_HOST: host })).toEqual([]);
  });

  test.each([
    [{ MIRROR_CONSOLE_ACCESS: 'tokens' }, ['MIRROR_CONSOLE_TOKENS: missing']],
    [{ MIRROR_CONSOLE_ACCESS: 'tokens', MIRROR_CONSOLE_TOKENS: token, MIRROR_CONSOLE_HOST: '0.0.0.0' }, []],
    [{ MIRROR_CONSOLE_TOKENS: 'ann admin sha256:0' }, ['MIRROR_CONSOLE_TOKENS: the given value does not fit']],
    [{ MIRROR_CONSOLE_ACCESS: 'proxy' }, ['MIRROR_CONSOLE_PROXY_SECRET: missing']],
    [
      { MIRROR_CONSOLE_ACCESS: 'proxy', MIRROR_CONSOLE_PROXY_SECRET: 'short' },
      ['MIRROR_CONSOLE_PROXY_SECRET: the given value does not fit'],
    ],
    [
      { MIRROR_CONSOLE_ORIGIN: 'https://mirror.example.com/path' },
      ['MIRROR_CONSOLE_ORIGIN: "https://mirror.example.com/path" does not fit'],
    ],
    [
      { MIRROR_CONSOLE_ACCESS: 'tokens', MIRROR_CONSOLE_TOKENS: token, MIRROR_CONSOLE_ORIGIN: 'http://mirror.example.com' },
      ['MIRROR_CONSOLE_ORIGIN: "http://mirror.example.com" does not fit'],
    ],
  ])('%j', (env, problems) => {
    expect(problemsOf(env)).toEqual(problems);
  });
});
