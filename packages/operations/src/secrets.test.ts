import { loadConfig } from '@notion-mirror/service-kit/config';
import { expect, test } from 'vitest';
import { createRedactor, mongoAddress, urlAddress } from './secrets.ts';

test('every configured secret is removed from a driver error', () => {
  const env = {
    MIRROR_MONGODB_URI: 'mongodb://app:p%40ss-word@db:27017/mirror?replicaSet=rs0',
    MIRROR_KAFKA_SASL_MECHANISM: 'plain',
    MIRROR_KAFKA_SASL_USERNAME: 'app',
    MIRROR_KAFKA_SASL_PASSWORD: 'kafka-secret',
    MIRROR_SCHEMA_REGISTRY_URL: 'http://reg:registry-secret@registry:8081',
    MIRROR_SCHEMA_REGISTRY_PASSWORD: 'other-secret',
    MIRROR_NANGO_API_KEY: 'nango-secret',
    MIRROR_NANGO_SIGNING_KEYS: 'sign-one,sign-two',
    MIRROR_NOTION_VERIFICATION_TOKENS: 'secret_verify',
    MIRROR_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('base64'),
  };
  const redact = createRedactor(loadConfig(env, 'cli'));
  const secrets = [
    'p%40ss-word',
    'p@ss-word',
    'kafka-secret',
    'registry-secret',
    'other-secret',
    'nango-secret',
    'sign-one',
    'sign-two',
    'secret_verify',
    env.MIRROR_ENCRYPTION_KEY,
    env.MIRROR_MONGODB_URI,
  ];
  const text = redact(`cannot reach broker: ${secrets.join(' | ')}`);
  for (const secret of secrets) expect(text).not.toContain(secret);
  expect(text).toContain('cannot reach broker');
});

test.each([
  ['mongodb://localhost:27017/notion_mirror?replicaSet=rs0', 'mongodb://localhost:27017/notion_mirror'],
  ['mongodb://user:hunter2@a:1,b:2/db?authSource=admin', 'mongodb://a:1,b:2/db'],
  ['mongodb+srv://user:hunter2@cluster.example.net', 'mongodb+srv://cluster.example.net'],
  ['mongodb://user:hun@ter2@host/db', '(MIRROR_MONGODB_URI)'],
  ['mongodb://user:hun/ter2@host/db', '(MIRROR_MONGODB_URI)'],
  ['mongodb://host/db?tlsCertificateKeyFilePassword=hun@ter2', '(MIRROR_MONGODB_URI)'],
  ['mongodb://ho st/db', '(MIRROR_MONGODB_URI)'],
])('the address in %s is shown without its secrets', (uri, address) => {
  expect(mongoAddress(uri)).toBe(address);
});
test('a URL is shown without user, password and query', () => {
  expect(urlAddress('https://me:hunter2@registry.example.net/path/?key=hunter2')).toBe('https://registry.example.net/path');
});
