import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Signed values of a cookie, which name the hash of a token and expire. No state is kept. */
export interface Sessions {
  sign(tokenHash: string): string;
  /** The hash of the token; null: not signed by us, or expired. */
  verify(value: string): string | null;
}

export const sessionSeconds = 12 * 60 * 60;

/** `key`: null for a random one, which ends all sessions with the process. */
export function createSessions(key: string | null, now: () => number = Date.now): Sessions {
  const secret = key === null ? randomBytes(32) : Buffer.from(key);
  const mac = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url');
  return {
    sign(tokenHash) {
      const payload = `${tokenHash}.${now() + sessionSeconds * 1000}`;
      return `${payload}.${mac(payload)}`;
    },
    verify(value) {
      const [, payload, hash, expires, signature] = /^(([0-9a-f]{64})\.(\d{1,16}))\.([\w-]{43})$/.exec(value) ?? [];
      if (payload === undefined || hash === undefined || signature === undefined) return null;
      if (!timingSafeEqual(Buffer.from(signature), Buffer.from(mac(payload)))) return null;
      return Number(expires) > now() ? hash : null;
    },
  };
}
