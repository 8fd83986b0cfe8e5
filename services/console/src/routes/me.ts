import { z } from 'zod';
import type { Identity } from '../access/who.ts';
import type { ActionState, Me } from '../answers/me.ts';
import { answering, Refusal, type Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';

const anything = z.object({});
const signInBody = z.object({ body: z.object({ token: z.string().min(1).max(200) }) });

export function meRoutes(parts: Pick<ConsoleParts, 'gate' | 'content' | 'version'>): Route[] {
  const { gate } = parts;
  return [
    answering({ method: 'GET', path: '/api/me', role: 'viewer' }, anything, async (_, { who }) => Promise.resolve(meOf(who))),
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
      return Promise.resolve(meOf(session.identity));
    }),
    answering({ method: 'DELETE', path: '/api/session', role: 'anyone' }, anything, async (_, { setSession }) => {
      setSession(null);
      return Promise.resolve({});
    }),
  ];

  function meOf(who: Identity | null): Me {
    const role = who?.role ?? 'viewer';
    const operators: ActionState = role === 'operator' ? { allowed: true } : no('You may look, and not act: this needs the role operator.');
    const byCommand = (command: string): ActionState => no(`The console does not do this yet: ${command}`);
    return {
      name: who?.name ?? null,
      role,
      access: gate.access,
      content: parts.content,
      version: parts.version,
      actions: {
        signOut: who?.by === 'session' ? { allowed: true } : no('There is no session to end.'),
        check: operators,
        fetch: byCommand('mirror verify <tenant> --fix'),
        compare: byCommand('mirror reconcile run <tenant>'),
        pause: byCommand('mirror connections pause <connection>'),
        admit: byCommand('mirror connections add <connection> --workspace-id <tenant>'),
        redrive: byCommand('mirror dead-letters redrive'),
        drop: byCommand('mirror dead-letters drop'),
        replay: byCommand('mirror replay run'),
        replaySwitch: byCommand('mirror replay switch'),
      },
    };
  }
}

function no(why: string): ActionState {
  return { allowed: false, why };
}
