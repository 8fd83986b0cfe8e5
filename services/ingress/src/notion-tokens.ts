import { createHash, timingSafeEqual } from 'node:crypto';
import type { HandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { withDeadline } from '@notion-mirror/service-kit/async/deadline';
import { occasionally } from './occasionally.ts';
import { isNotionSignature, isSignedByNotion } from '@notion-mirror/service-kit/webhook-signatures';

/** `unknown`: signed, but by none of the tokens that we know, and the store that may hold a newer one does not answer. */
export type Verdict = 'valid' | 'invalid' | 'unknown';

/** `kept`: the first one. `same`: the kept one again. `refused`: another one, or none is taken. `unavailable`: it could not be stored. */
export type HandshakeOutcome = 'kept' | 'same' | 'refused' | 'unavailable';

/** The verification tokens of direct Notion subscriptions: they sign every event, and the first request of a subscription carries its own. */
export interface NotionTokens {
  verify(raw: Buffer, signature: string | undefined): Promise<Verdict>;
  /** A handshake that no known token has signed. First come, first kept: a later one never overwrites it. */
  takeHandshake(token: string): Promise<HandshakeOutcome>;
}

export interface NotionTokensDependencies {
  /** From the configuration. */
  readonly configured: readonly string[];
  readonly takesHandshakes: boolean;
  readonly store: Pick<HandshakeStore, 'get' | 'keepOnce'>;
  readonly logger: Logger;
  /** Bound of one question to the store. */
  readonly deadlineMs: number;
  readonly now?: () => number;
}

/** How often strangers with wrong signatures can make us ask the store. Also how soon another instance's handshake is known here. */
const minAgeMs = 1_000;
/** A kept token that an operator took back goes on verifying at most this long. */
const maxAgeMs = 30_000;

/** Begins to read the kept token. */
export function createNotionTokens(deps: NotionTokensDependencies): NotionTokens {
  const now = deps.now ?? Date.now;
  const logFailure = occasionally(10_000);
  let kept: string | null = null;
  let readAt = -Infinity;
  let reading: Promise<boolean> | null = null;

  async function read(): Promise<boolean> {
    try {
      kept = await withDeadline(deps.store.get('notion'), { ms: deps.deadlineMs });
      readAt = now();
      return true;
    } catch (error) {
      logFailure((skipped) => deps.logger.warn({ err: error, skipped }, 'the kept verification token cannot be read'));
      return false;
    } finally {
      reading = null;
    }
  }

  /** Whether `kept` is known to be no older than `minAgeMs`. Never rejects. */
  async function refresh(): Promise<boolean> {
    if (now() - readAt < minAgeMs) return true;
    reading ??= read();
    return reading;
  }

  void refresh();
  const known = () => (kept === null ? deps.configured : [...deps.configured, kept]);

  return {
    async verify(raw, signature) {
      if (now() - readAt > maxAgeMs) void refresh();
      if (isSignedByNotion(raw, signature, known())) return 'valid';
      if (signature === undefined || !isNotionSignature(signature)) return 'invalid';
      const isFresh = await refresh();
      if (isSignedByNotion(raw, signature, known())) return 'valid';
      // Where no handshake is taken no new token can have come since it was read.
      const isSettled = isFresh || (!deps.takesHandshakes && readAt > -Infinity);
      return isSettled ? 'invalid' : 'unknown';
    },

    async takeHandshake(token) {
      if (!deps.takesHandshakes) return 'refused';
      if (kept !== null && isSame(kept, token)) return 'same';
      if (!(await refresh())) return 'unavailable';
      if (kept !== null) return isSame(kept, token) ? 'same' : 'refused';
      try {
        const outcome = await withDeadline(deps.store.keepOnce('notion', token), { ms: deps.deadlineMs });
        if (outcome === 'kept') kept = token;
        else if (!(await read())) return 'unavailable';
        if (outcome === 'kept') return 'kept';
        return kept !== null && isSame(kept, token) ? 'same' : 'refused';
      } catch (error) {
        logFailure((skipped) => deps.logger.warn({ err: error, skipped }, 'a verification token cannot be kept'));
        return 'unavailable';
      }
    },
  };
}

function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digestOf(one), digestOf(other));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
