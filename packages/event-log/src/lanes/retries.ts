import type { Failure } from '@notion-mirror/domain/failure';
import { backoffMs } from '@notion-mirror/service-kit/async/backoff';
import type { Outcome, Routing } from './work.ts';

/** A handler or a route that throws has a bug, perhaps a transient one. */
const maxThrows = 3;

/** The outcome of work that does not succeed. */
export type Setback = Exclude<Outcome, { readonly kind: 'done' }>;

/** The outcome when the handler has thrown for the `throws`-th time in a row. */
export function setbackOfThrow(error: unknown, throws: number): Setback {
  const failure = unexpected(error);
  if (throws >= maxThrows) return { kind: 'dead', failure };
  return { kind: 'retry', at: Date.now() + backoffMs(throws, 1_000, 30_000), scope: 'task', failure };
}

/** The routing of a record whose route has thrown; `attempts` counts its failed routings, this one included. */
export function routingOfThrow(error: unknown, attempts: number): Routing<never> {
  return { kind: attempts >= maxThrows ? 'dead' : 'retry', failure: unexpected(error) };
}

/** How long a record waits before it is routed again, or a dead letter before it is written again. */
export function shortBackoffMs(attempt: number): number {
  return backoffMs(attempt, 500, 5_000);
}

function unexpected(error: unknown): Failure {
  const code = error instanceof Error ? error.name : typeof error;
  return { class: 'unexpected', code, message: error instanceof Error ? error.message : String(error) };
}
