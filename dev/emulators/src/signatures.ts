import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** `X-Notion-Signature`: `sha256=` and the hex HMAC-SHA256 of the exact body bytes, keyed by the verification token. */
export function notionSignature(verificationToken: string, body: Buffer | string): string {
  return `sha256=${createHmac('sha256', verificationToken).update(body).digest('hex')}`;
}

/** Compares in constant time. */
export function isNotionSignature(signature: string, verificationToken: string, body: Buffer | string): boolean {
  const expected = Buffer.from(notionSignature(verificationToken, body));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** `X-Nango-Hmac-Sha256`: hex HMAC-SHA256 of the exact body bytes, keyed by the environment's webhook signing key. */
export function nangoHmac(signingKey: string, body: Buffer | string): string {
  return createHmac('sha256', signingKey).update(body).digest('hex');
}

/** The legacy `X-Nango-Signature`: hex SHA-256 of key and body concatenated, open to length extension, still sent. */
export function nangoLegacySignature(signingKey: string, body: Buffer | string): string {
  return createHash('sha256').update(signingKey).update(body).digest('hex');
}
