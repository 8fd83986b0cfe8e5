import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '@notion-mirror/service-kit/config';
import type { Access, Role } from '../answers/me.ts';
import type { Sessions } from './sessions.ts';

/** Who asks. `name`: null while access is off. `by`: how the request shows it. */
export interface Identity {
  readonly name: string | null;
  readonly role: Role;
  readonly by: 'nothing' | 'session' | 'bearer' | 'proxy';
}

export interface Gate {
  readonly access: Access;
  /** Null: an unknown person. `header`: a header's value by its lower-case name, empty when it is missing; `cookie`: of our session. */
  identify(request: { readonly header: (name: string) => string; readonly cookie: string | undefined }): Identity | null;
  /** A new session's cookie for the token's owner; null: no such token. */
  signIn(token: string): { readonly identity: Identity; readonly cookie: string } | null;
}

type Settings = Pick<Config<'console'>, 'consoleAccess' | 'consoleTokens' | 'consoleProxy'>;

export const proxySecretHeader = 'x-console-proxy-secret';

export function createGate({ consoleAccess, consoleTokens, consoleProxy }: Settings, sessions: Sessions): Gate {
  const tokenOf = (text: string) => {
    const hash = hashOf(text);
    return consoleTokens.find((token) => isSame(token.hash, hash)) ?? null;
  };

  return {
    access: consoleAccess,
    identify({ header, cookie }) {
      switch (consoleAccess) {
        case 'off':
          return { name: null, role: 'operator', by: 'nothing' };
        case 'tokens': {
          const [, bearer] = /^Bearer ([\w.~+/=-]{1,200})$/i.exec(header('authorization')) ?? [];
          if (bearer !== undefined) {
            const token = tokenOf(bearer);
            return token && { name: token.name, role: token.role, by: 'bearer' };
          }
          const hash = cookie === undefined ? null : sessions.verify(cookie);
          // A token that was taken out of the file, or has another role now, ends or changes its sessions.
          const token = hash === null ? null : consoleTokens.find((one) => one.hash === hash);
          return token ? { name: token.name, role: token.role, by: 'session' } : null;
        }
        case 'proxy': {
          const { secret, userHeader, groupsHeader, operatorGroups, viewerGroups } = consoleProxy;
          if (secret === null || !isSame(hashOf(secret), hashOf(header(proxySecretHeader)))) return null;
          const name = header(userHeader).trim();
          if (name === '') return null;
          const groups = new Set(
            header(groupsHeader)
              .split(',')
              .map((group) => group.trim()),
          );
          if (operatorGroups.some((group) => groups.has(group))) return { name, role: 'operator', by: 'proxy' };
          if (viewerGroups.length === 0 || viewerGroups.some((group) => groups.has(group))) return { name, role: 'viewer', by: 'proxy' };
          return null;
        }
      }
    },
    signIn(text) {
      const token = consoleAccess === 'tokens' ? tokenOf(text) : null;
      return token && { identity: { name: token.name, role: token.role, by: 'session' }, cookie: sessions.sign(token.hash) };
    },
  };
}

/** As `mirror console token` prints it: tokens are random, so a plain hash does. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
