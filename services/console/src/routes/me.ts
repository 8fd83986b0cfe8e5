import { forEveryAction, type BoundAction } from '@notion-mirror/operations/rights/what-can-be-done';
import { z } from 'zod';
import type { Identity } from '../access/who.ts';
import type { ActionState, Me } from '../answers/me.ts';
import { answering, Refusal, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';

const anything = z.object({});
const signInBody = z.object({ body: z.object({ token: z.string().min(1).max(200) }) });

export function meRoutes(parts: Pick<ConsoleParts, 'gate' | 'content' | 'version' | 'canDo'>): Route[] {
  const { gate } = parts;
  return [
    answering({ method: 'GET', path: '/api/me', role: 'viewer' }, anything, async (_, { who }) => meOf(who)),
    answering({ method: 'POST', path: '/api/session', role: 'anyone' }, signInBody, async ({ body }, { setSession }) => {
      const session = gate.signIn(body.token);
      if (session === null) {
        throw new Refusal(
          401,
          'sign_in_with_token',
          'The token is not known.',
          'mirror console token <name> makes one; the console reads them at its start',
        );
      }
      setSession(session.cookie);
      return meOf(session.identity);
    }),
    answering({ method: 'DELETE', path: '/api/session', role: 'anyone' }, anything, async (_, { setSession }) => {
      setSession(null);
      return Promise.resolve({});
    }),
  ];

  async function meOf(who: Identity | null): Promise<Me> {
    const role = who?.role ?? 'viewer';
    const whyNot = await parts.canDo();
    const operators: ActionState = role === 'operator' ? { allowed: true } : no('You may look, and not act: this needs the role operator.');
    const bound = (action: BoundAction): ActionState => {
      const why = whyNot[action];
      return operators.allowed && why !== null ? no(why) : operators;
    };
    return {
      name: who?.name ?? null,
      role,
      access: gate.access,
      content: parts.content,
      version: parts.version,
      actions: {
        signOut: who?.by === 'session' ? { allowed: true } : no('There is no session to end.'),
        check: operators,
        ...forEveryAction(bound),
      },
    };
  }
}

function no(why: string): ActionState {
  return { allowed: false, why };
}
