import { createHash, timingSafeEqual } from 'node:crypto';
import type { HandshakeStore } from '@notion-mirror/mirror-store/handshake-store';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { withDeadline } from '@notion-mirror/service-kit/async/deadline';
import { occasionally } from './occasionally.ts';
import { isNotionSignature, isSignedByNotion } from '@notion-mirror/service-kit/webhook-signatures';

/** `unknown`: signed with no token known here, while the store, which may hold a newer one, does not answer. */
export type Verdict = 'valid' | 'invalid' | 'unknown';

/** `kept`: the first one. `same`: the kept one again. `refused`: another one, or handshakes are off. `unavailable`: it could not be stored. */
export type HandshakeOutcome = 'kept' | 'same' | 'refused' | 'unavailable';

/** The verification tokens of direct Notion subscriptions. They sign every event; the first request of a subscription carries its token. */
export interface NotionTokens {
  verify(raw: Buffer, signature: string | undefined): Promise<Verdict>;
  /** Handles a handshake not signed by a known token. The first token is kept; a later one never overwrites it. */
  takeHandshake(token: string): Promise<HandshakeOutcome>;
}

export interface NotionTokensDependencies {
  /** From the configuration. */
  readonly configured: readonly string[];
  readonly takesHandshakes: boolean;
  readonly store: Pick<HandshakeStore, 'get' | 'keepOnce'>;
  readonly logger: Logger;
  /** Deadline of one call to the store. */
  readonly deadlineMs: number;
  readonly now?: () => number;
}

/** Minimum interval of store reads caused by wrong signatures. Also the delay until another instance's handshake is known here. */
const minAgeMs = 1_000;
/** A kept token revoked by an operator still verifies for at most this long. */
const maxAgeMs = 30_000;

/** Starts reading the kept token at once. */
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
      logFailure((skipped) => deps.logger.warn({ err: error, skipped }, 'cannot read the stored verification token'));
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
      // With handshakes off, no new token can have been stored since the last read.
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
        logFailure((skipped) => deps.logger.warn({ err: error, skipped }, 'cannot store a verification token'));
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
