import type { z } from 'zod';
import type { Identity } from '../access/who.ts';
import type { ErrorAnswer } from '../answers/common.ts';
import type { Role } from '../answers/me.ts';

/** One event of a stream. `data`: sent as JSON. */
export interface StreamMessage {
  readonly event: string;
  readonly data: object;
  readonly id?: string;
}

export interface RouteRequest {
  /** Null only where a route is for anyone. */
  readonly who: Identity | null;
  /** Aborts when the browser is gone, or the console stops. */
  readonly signal: AbortSignal;
  readonly lastEventId: string | null;
  /** Sets our session's cookie; null: deletes it. */
  readonly setSession: (value: string | null) => void;
}

/** What a route takes: the parameters of its path and its query, and the JSON body of a POST. All texts come from outside. */
export interface RawInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: unknown;
}

export interface RouteHead {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With named parts: `/api/tenants/:tenant`. */
  readonly path: string;
  /** Who may call it. `anyone`: also who has not signed in. */
  readonly role: Role | 'anyone';
  /** Refused while customers' texts are hidden. */
  readonly needsContent?: true;
}

export type Route = RouteHead &
  (
    | { readonly kind: 'answer'; readonly answer: (input: RawInput, request: RouteRequest) => Promise<object> }
    | { readonly kind: 'stream'; readonly stream: (input: RawInput, request: RouteRequest) => AsyncIterable<StreamMessage> }
  );

/** A route that answers once. What comes in is parsed by `input`, and is refused with 400 if it does not fit. */
export function answering<Input>(
  head: RouteHead,
  input: z.ZodType<Input>,
  answer: (input: Input, request: RouteRequest) => Promise<object>,
): Route {
  return { ...head, kind: 'answer', answer: async (raw, request) => answer(input.parse(raw), request) };
}

/** A route that answers with events until it ends or the browser is gone. */
export function streaming<Input>(
  head: RouteHead,
  input: z.ZodType<Input>,
  stream: (input: Input, request: RouteRequest) => AsyncIterable<StreamMessage>,
): Route {
  return { ...head, kind: 'stream', stream: (raw, request) => stream(input.parse(raw), request) };
}

/** An answer with a status of 400 or more. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly answer: ErrorAnswer;
  /** For `retry-after`. */
  readonly retrySeconds: number | null;

  constructor(status: number, code: string, message: string, remedy: string | null = null, retrySeconds: number | null = null) {
    super(message);
    this.status = status;
    this.answer = { error: { code, message, remedy } };
    this.retrySeconds = retrySeconds;
  }
}
