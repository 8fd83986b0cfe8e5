import { expect, test } from 'vitest';
import { isNotionSignature, nangoHmac, nangoLegacySignature, notionSignature } from './signatures.ts';
import { stableStringify } from './stable-json.ts';

const signingKey = 'test-webhook-signing-key';
const handshake = '{"verification_token":"secret_EXAMPLE_TOKEN_FROM_NOTION_DOCS"}';

/** A forwarded webhook, its keys out of order. */
const forwarded = {
  type: 'forward',
  providerConfigKey: 'notion',
  from: 'notion',
  connectionId: '4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11',
  payload: {
    id: '5496f509-6988-4bab-b6a9-bdce0b720ca0',
    timestamp: '2026-01-05T23:55:22.243Z',
    workspace_id: '13950b26-c203-4f3b-b97d-93ec06319565',
    workspace_name: 'Quantify Labs',
    subscription_id: '29d75c0d-5546-4414-8459-7b7a92f1fc4b',
    integration_id: '0ef2e755-4912-8096-91c1-00376a88a5ca',
    authors: [{ type: 'person', id: 'c7c11cca-1d73-471d-9b6e-bdef51470190' }],
    attempt_number: 1,
    api_version: '2025-09-03',
    entity: { type: 'data_source', id: '263104cd-477e-804b-8c32-000b2fcd241a' },
    type: 'data_source.schema_updated',
    data: {
      updated_properties: [{ name: 'Created at', id: 'kqLW', action: 'created' }],
      parent: {
        type: 'database',
        id: '263104cd-477e-80ef-8afe-c488d39a5cdb',
        data_source_id: '263104cd-477e-804b-8c32-000b2fcd241a',
      },
    },
  },
};

test('a forwarded webhook is 858 bytes of sorted JSON, signed both ways', () => {
  const body = stableStringify(forwarded);
  expect(Buffer.byteLength(body)).toBe(858);
  expect(body.startsWith('{"connectionId":"4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11","from":"notion","payload":{"api_version":')).toBe(true);
  expect(nangoHmac(signingKey, body)).toBe('04033677589debfb10e0c93c19cfa0974e166b99ee5a360a29b926c1bf1c2354');
  expect(nangoLegacySignature(signingKey, body)).toBe('45386ef4293401eaafb6605d1a1432059f408d636f94b4c9513ca647185d136e');
});

test('an unwrapped handshake is signed by Nango', () => {
  expect(nangoHmac(signingKey, handshake)).toBe('8deac43d31a654c47ed62f0fd1a0db243f135012aa756bd533360d69b0c47e78');
});

test('an auth webhook is signed by Nango', () => {
  const body = stableStringify({
    from: 'nango',
    type: 'auth',
    connectionId: '4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11',
    providerConfigKey: 'notion',
    authMode: 'OAUTH2',
    provider: 'notion',
    environment: 'prod',
    operation: 'creation',
    tags: { end_user_id: 'u_42' },
    success: true,
  });
  expect(nangoHmac(signingKey, body)).toBe('b492eea85e7024d319e6c0d35b1dd7a29877d7ece38f66a06c4fc1b05fd41fc8');
});

test("Notion's handshake is signed with the token it carries", () => {
  const signature = 'sha256=feba6622c3332d0122091fcba0cb94423edfdabe229f3740edd9fc868c22bda5';
  expect(notionSignature('secret_EXAMPLE_TOKEN_FROM_NOTION_DOCS', handshake)).toBe(signature);
  expect(isNotionSignature(signature, 'secret_EXAMPLE_TOKEN_FROM_NOTION_DOCS', handshake)).toBe(true);
  expect(isNotionSignature(signature, 'secret_EXAMPLE_TOKEN_FROM_NOTION_DOCS', `${handshake} `)).toBe(false);
  expect(isNotionSignature('sha256=feba', 'secret_EXAMPLE_TOKEN_FROM_NOTION_DOCS', handshake)).toBe(false);
});
