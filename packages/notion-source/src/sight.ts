import type { JsonObject } from '@notion-mirror/domain/database-content';
import type { CallOutcome, CallProblem } from './connection-calls.ts';
import type { Parsed } from './notion-object.ts';

/** What one connection sees of an object. */
export type Sight<T> = { readonly kind: 'seen'; readonly value: T } | CallProblem;

export function sightOf<T>(outcome: CallOutcome, parse: (body: JsonObject, text: string) => Parsed<T>): Sight<T> {
  if (outcome.kind !== 'ok') return outcome;
  return parsedSight(parse(outcome.body, outcome.text));
}

export function parsedSight<T>(result: Parsed<T>): Sight<T> {
  switch (result.kind) {
    case 'parsed':
      return { kind: 'seen', value: result.value };
    case 'partial': {
      const message = 'Notion returns only the id: the integration lacks the capability to read content';
      return { kind: 'failed', failure: { class: 'restricted', code: 'partial_object', message } };
    }
    case 'malformed':
      return { kind: 'failed', failure: { class: 'unexpected', code: 'malformed_object', message: result.problem.slice(0, 500) } };
  }
}
