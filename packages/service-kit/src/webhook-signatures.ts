import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Nango's `X-Nango-Hmac-Sha256`: the hex HMAC-SHA256 of the exact body bytes under the environment's webhook signing key.
 * Several keys may be in use: Nango rotates without overlap. The older `X-Nango-Signature` is not a MAC and is ignored.
 */
export function isSignedByNango(raw: Buffer, header: string | undefined, keys: readonly string[]): boolean {
  return header !== undefined && isHmacOf(raw, header, keys);
}

/** Notion's `X-Notion-Signature: sha256=<hex>`: the HMAC-SHA256 of the body bytes under the subscription's verification token. */
export function isSignedByNotion(raw: Buffer, header: string | undefined, tokens: readonly string[]): boolean {
  return header !== undefined && isNotionSignature(header) && isHmacOf(raw, header.slice(notionPrefix.length), tokens);
}

/** Whether the header has the form of a Notion signature, right or wrong. */
export function isNotionSignature(header: string): boolean {
  return header.startsWith(notionPrefix) && hexDigest.test(header.slice(notionPrefix.length));
}

const notionPrefix = 'sha256=';
const hexDigest = /^[0-9a-f]{64}$/i;

/** Tries every key even after a match, so that the time it takes does not reveal which one matched. */
function isHmacOf(raw: Buffer, hex: string, keys: readonly string[]): boolean {
  if (!hexDigest.test(hex)) return false;
  const given = Buffer.from(hex, 'hex');
  return keys.map((key) => timingSafeEqual(createHmac('sha256', key).update(raw).digest(), given)).includes(true);
}
