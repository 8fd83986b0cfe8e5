import { MongoServerError, type Db } from 'mongodb';
import { openCollection } from './collections.ts';
import { duplicateKey, unavailable, orUnavailable } from './errors.ts';
import { decryptToken, encryptToken } from './token-cipher.ts';

/**
 * - `notion`: received directly, unsigned. The first token is kept and never overwritten.
 * - `nango`: received through Nango, signed. The latest is kept.
 */
export type HandshakeSlot = 'notion' | 'nango';

/** Verification tokens of Notion webhook subscriptions. All reject with a `StoreUnavailableError` when MongoDB is unavailable. */
export interface HandshakeStore {
  /** `already_kept`: slot `notion` already holds one (this or another), which stays. */
  keepOnce(slot: HandshakeSlot, token: string): Promise<'kept' | 'already_kept'>;
  /** The token, for verifying signatures. */
  get(slot: HandshakeSlot): Promise<string | null>;
  /** Returns the token once; afterwards `shown` with the time it was shown. */
  takeForDisplay(
    slot: HandshakeSlot,
  ): Promise<{ kind: 'token'; token: string; receivedAt: Date } | { kind: 'shown'; at: Date } | { kind: 'none' }>;
  /** Whether there is a token and whether it was shown, without the token. */
  status(
    slot: HandshakeSlot,
  ): Promise<{ kind: 'none' } | { kind: 'waiting'; receivedAt: Date } | { kind: 'shown'; receivedAt: Date; at: Date }>;
  /** Forgets the token, so that the next handshake is kept. */
  reset(slot: HandshakeSlot): Promise<void>;
}

interface HandshakeDocument {
  readonly _id: HandshakeSlot;
  readonly token: string;
  readonly encrypted: boolean;
  readonly receivedAt: Date;
  readonly shownAt: Date | null;
}

/** With an encryption key tokens are stored encrypted; one stored before there was a key stays readable. */
export function createHandshakeStore(deps: { readonly db: Db; readonly encryptionKey: Buffer | null }): HandshakeStore {
  const { encryptionKey } = deps;
  const handshakes = openCollection<HandshakeDocument>(deps.db, 'handshakes');

  function plainToken({ _id, token, encrypted }: HandshakeDocument): string {
    if (!encrypted) return token;
    if (encryptionKey === null) throw new Error('the kept verification token is encrypted, and MIRROR_ENCRYPTION_KEY is not set');
    return decryptToken(encryptionKey, boundTo(_id), token);
  }

  return {
    async keepOnce(slot, token) {
      const document = {
        token: encryptionKey === null ? token : encryptToken(encryptionKey, boundTo(slot), token),
        encrypted: encryptionKey !== null,
        receivedAt: new Date(),
        shownAt: null,
      };
      try {
        if (slot === 'notion') await handshakes.insertOne({ _id: slot, ...document });
        else await handshakes.replaceOne({ _id: slot }, document, { upsert: true });
        return 'kept';
      } catch (error) {
        if (slot === 'notion' && error instanceof MongoServerError && error.code === duplicateKey) return 'already_kept';
        throw unavailable('a handshake could not be stored', error);
      }
    },
    async get(slot) {
      const found = await orUnavailable('a handshake could not be read', () => handshakes.findOne({ _id: slot }));
      return found === null ? null : plainToken(found);
    },
    async takeForDisplay(slot) {
      const found = await orUnavailable('a handshake could not be read', () => handshakes.findOne({ _id: slot }));
      if (found === null) return { kind: 'none' };
      if (found.shownAt !== null) return { kind: 'shown', at: found.shownAt };
      // Decrypted before it is marked as shown: an unreadable token was not shown.
      const token = plainToken(found);
      const at = new Date();
      const marked = await orUnavailable('a handshake could not be marked as shown', () =>
        handshakes.updateOne({ _id: slot, token: found.token, shownAt: null }, { $set: { shownAt: at } }),
      );
      return marked.modifiedCount === 1 ? { kind: 'token', token, receivedAt: found.receivedAt } : { kind: 'shown', at };
    },
    async status(slot) {
      const found = await orUnavailable('a handshake could not be read', () => handshakes.findOne({ _id: slot }));
      if (found === null) return { kind: 'none' };
      const { receivedAt, shownAt } = found;
      return shownAt === null ? { kind: 'waiting', receivedAt } : { kind: 'shown', receivedAt, at: shownAt };
    },
    async reset(slot) {
      await orUnavailable('a handshake could not be forgotten', () => handshakes.deleteOne({ _id: slot }));
    },
  };
}

function boundTo(slot: HandshakeSlot): string {
  return `handshake:${slot}`;
}
