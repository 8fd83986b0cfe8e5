import type { Connection } from '@notion-mirror/domain/connection';
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** The text is not an encrypted token, was changed, belongs to another connection, or was encrypted with another key. */
export class TokenCipherError extends Error {
  override readonly name = 'TokenCipherError';
}

const version = 'v1';
const algorithm = 'aes-256-gcm';
const ivBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM. `key`: 32 bytes. The connection's id is authenticated too, so that a token copied to another connection is refused.
 * Returns `v1.<base64url of iv, tag and ciphertext>`; the same token never gives the same text twice.
 */
export function encryptToken(key: Buffer, connectionId: string, token: string): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.from(connectionId, 'utf8'));
  const encrypted = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()]);
  return `${version}.${Buffer.concat([iv, cipher.getAuthTag(), encrypted]).toString('base64url')}`;
}

/** Throws a `TokenCipherError`, which contains nothing of the token. */
export function decryptToken(key: Buffer, connectionId: string, text: string): string {
  const [prefix, payload, ...more] = text.split('.');
  if (prefix !== version || payload === undefined || more.length > 0) throw new TokenCipherError('not an encrypted token of version v1');
  const bytes = Buffer.from(payload, 'base64url');
  if (bytes.length < ivBytes + tagBytes) throw new TokenCipherError('an encrypted token is cut short');
  const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, ivBytes), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.from(connectionId, 'utf8'));
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]).toString('utf8');
  } catch {
    throw new TokenCipherError('a token cannot be decrypted: another key, another connection, or it was changed');
  }
}

/** A function that decrypts a connection's stored token; null without a key. It throws a `TokenCipherError`, and returns '' for a connection without a token. */
export function tokenReader(key: Buffer | null): ((connection: Pick<Connection, 'connectionId' | 'token'>) => string) | null {
  if (key === null) return null;
  return ({ connectionId, token }) => (token === null ? '' : decryptToken(key, connectionId, token));
}
