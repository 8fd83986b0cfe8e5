import { OperatorError } from '@notion-mirror/operations/operator-error';
import { isTimeLimit, isUnauthorized, StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { z } from 'zod';
import { Refusal } from './route.ts';

/** The answer to an error; null: it is unexpected, and belongs in the log. `redact` removes configured secrets. */
export function refusalOfError(error: unknown, redact: (text: string) => string): Refusal | null {
  if (error instanceof Refusal) return error;
  if (error instanceof z.ZodError) return new Refusal(400, 'bad_request', wordsOf(error));
  if (error instanceof StoreUnavailableError) {
    if (isTimeLimit(error)) {
      return new Refusal(
        503,
        'too_slow',
        'MongoDB took longer than two seconds.',
        'ask for less, by a filter; or mirror init, when an index is missing',
      );
    }
    if (isUnauthorized(error)) {
      return new Refusal(
        403,
        'not_allowed_here',
        redact(error.message),
        "the console's user of MongoDB needs the rights of docs/security.md",
      );
    }
    return new Refusal(503, 'mongodb_unavailable', `MongoDB does not answer: ${redact(error.message)}`, 'mirror doctor');
  }
  if (!(error instanceof OperatorError)) return null;
  const { code, kind, message, remedy } = error;
  return new Refusal(statusOf(code, kind), code, redact(message), remedy);
}

/** `from: a time in ISO 8601`. */
function wordsOf({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => [...path.slice(1), message].join(': ')).join('; ');
}

/** What was asked for does not fit what is there. */
const conflicts: ReadonlySet<string> = new Set([
  'not_possible',
  'connection_id_taken',
  'no_replay',
  'no_shadow',
  'shadow_too_old',
  'replay_running',
]);

function statusOf(code: string, kind: OperatorError['kind']): number {
  if (code.startsWith('unknown_')) return 404;
  if (conflicts.has(code)) return 409;
  if (kind === 'usage') return 400;
  return 503;
}
