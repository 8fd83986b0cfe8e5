import { describe, expect, test } from 'vitest';
import { previewOf } from './value-preview.ts';

const token = 'secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl';
const opaque = 'zQ9-plain.words+no/form';
const redact = (text: string) => text;

describe('the preview of an unreadable webhook', () => {
  test.each([
    ['the handshake', `{"verification_token":"${token}"}`],
    ['with blanks', `{ "verification_token" :\n "${opaque}" }`],
    ['cut off', `{"verification_token":"${opaque}`],
    ['as a list', `{"verification_token":["${opaque}"]}`],
    ['wrapped as text', JSON.stringify({ payload: JSON.stringify({ verification_token: opaque }) })],
    ['escaped', `{"verification\\u005ftoken":"${opaque}"}`],
    ['a form', `verification_token=${opaque}&x=1`],
    ['the token alone', token],
    ['with a quote in it', `{"verification_token":"\\"${opaque}"}`],
    ['other secrets', `{"apiKey":"${opaque}","client_secret":"${opaque}","Authorization":"Bearer ${opaque}","access_token":'${opaque}'}`],
  ])('shows no token: %s', (_, body) => {
    const withBadBytes = Buffer.concat([Buffer.from(body), Buffer.from([0xff])]);
    for (const value of [Buffer.from(body), withBadBytes, Buffer.from(body, 'utf16le')]) {
      const { text, hex } = previewOf(value, { isWebhook: true, redact });
      expect(text).toContain('***');
      expect(text).not.toContain(opaque);
      expect(text).not.toContain(token.slice(8));
      expect(hex).toBeNull();
    }
  });

  test('masks a token at the end of the shown part', () => {
    const body = `${'x'.repeat(1_000)}"verification_token":"${opaque.repeat(3)}"`;
    expect(previewOf(Buffer.from(body), { isWebhook: true, redact }).text).not.toContain('zQ9');
  });

  test('keeps other text, on one line', () => {
    const { text, isCut } = previewOf(Buffer.from('{"type":"database.created",\n"id":7'), { isWebhook: true, redact });
    expect(text).toBe('{"type":"database.created",?"id":7');
    expect(isCut).toBe(false);
  });
});

test('shows a value of the log as bytes too, unless something in it was masked', () => {
  const value = Buffer.from([0, 0, 0, 0, 1, 65, 66]);
  expect(previewOf(value, { isWebhook: false, redact })).toEqual({ text: '?AB', hex: '00000000014142', isCut: false });
  expect(previewOf(Buffer.from(token), { isWebhook: false, redact }).hex).toBeNull();
  const own = previewOf(Buffer.from('hunter2'), { isWebhook: false, redact: (text) => text.replaceAll('hunter2', '***') });
  expect(own).toEqual({ text: '***', hex: null, isCut: false });
});

test('truncates a long value, and examines long bytes quickly', () => {
  const { text, isCut } = previewOf(Buffer.from('"token'.repeat(200_000)), { isWebhook: true, redact });
  expect(isCut).toBe(true);
  expect(text.length).toBeLessThanOrEqual(1_024);
});
