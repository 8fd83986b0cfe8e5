import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isSignedByNango, isSignedByNotion } from '@notion-mirror/service-kit/webhook-signatures';
import { authCreation, forwardedSchemaUpdate, handshake, nangoKey, nangoSignatures, notionToken } from './testing/samples.ts';

const signature = (raw: Buffer, key: string) => createHmac('sha256', key).update(raw).digest('hex');

describe('isSignedByNango', () => {
  test.each([
    ['a forwarded event', forwardedSchemaUpdate, nangoSignatures.forwardedSchemaUpdate],
    ['an unwrapped handshake', handshake, nangoSignatures.handshake],
    ['an auth webhook', authCreation, nangoSignatures.authCreation],
  ])('accepts the documented vector of %s', (_what, raw, expected) => {
    expect(isSignedByNango(raw, expected, [nangoKey])).toBe(true);
    expect(isSignedByNango(raw, expected.toUpperCase(), [nangoKey])).toBe(true);
  });

  test('any of several keys may match', () => {
    const keys = ['old', nangoKey, 'next'];
    for (const key of keys) expect(isSignedByNango(handshake, signature(handshake, key), keys)).toBe(true);
    expect(isSignedByNango(handshake, signature(handshake, 'other'), keys)).toBe(false);
  });

  test('refuses every changed byte', () => {
    for (const index of [0, 100, forwardedSchemaUpdate.length - 1]) {
      const changed = Buffer.from(forwardedSchemaUpdate);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(isSignedByNango(changed, nangoSignatures.forwardedSchemaUpdate, [nangoKey])).toBe(false);
    }
  });

  test('refuses the legacy concatenation hash', () => {
    const legacy = createHash('sha256').update(nangoKey).update(forwardedSchemaUpdate).digest('hex');
    expect(legacy).toBe(nangoSignatures.legacyForwardedSchemaUpdate);
    expect(isSignedByNango(forwardedSchemaUpdate, legacy, [nangoKey])).toBe(false);
  });

  test.each([
    undefined,
    '',
    'x',
    '00',
    'g'.repeat(64),
    '0'.repeat(64),
    '0'.repeat(128),
    `${nangoSignatures.handshake}, x`,
    ` ${'0'.repeat(63)}`,
  ])('refuses the header %j', (header) => {
    expect(isSignedByNango(handshake, header, [nangoKey])).toBe(false);
  });

  test('without keys nothing verifies', () => {
    expect(isSignedByNango(handshake, nangoSignatures.handshake, [])).toBe(false);
  });
});

describe('isSignedByNotion', () => {
  const documented = 'sha256=feba6622c3332d0122091fcba0cb94423edfdabe229f3740edd9fc868c22bda5';

  test('accepts the documented vector', () => {
    expect(isSignedByNotion(handshake, documented, ['another', notionToken])).toBe(true);
  });

  test('needs its prefix, its token and its bytes', () => {
    expect(isSignedByNotion(handshake, documented.slice('sha256='.length), [notionToken])).toBe(false);
    expect(isSignedByNotion(handshake, documented.replace('sha256', 'sha512'), [notionToken])).toBe(false);
    expect(isSignedByNotion(handshake, documented, ['another'])).toBe(false);
    expect(isSignedByNotion(Buffer.concat([handshake, Buffer.from('\n')]), documented, [notionToken])).toBe(false);
    expect(isSignedByNotion(handshake, undefined, [notionToken])).toBe(false);
  });
});
