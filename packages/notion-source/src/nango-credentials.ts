import { z } from 'zod';
import type { Connection } from '@notion-mirror/domain/connection';
import { exchange, ExchangeError, type HttpAnswer } from './http-exchange.ts';
import { parseRetryAfter, type Failure } from './notion-errors.ts';

export type NangoAnswer =
  | { readonly kind: 'token'; readonly token: string }
  /** Nango does not know the connection (any more). */
  | { readonly kind: 'connection_deleted'; readonly failure: Failure }
  /** Nango could not refresh the grant: the customer must connect again. */
  | { readonly kind: 'unauthorized'; readonly failure: Failure }
  /** `everyone`: the answer concerns our API key, so no other connection need ask before `waitMs` have passed. */
  | { readonly kind: 'retry'; readonly failure: Failure; readonly waitMs: number; readonly everyone: boolean };

/** How long to leave Nango alone when only an operator can help. */
const operatorWaitMs = 120_000;
const transientWaitMs = 2_000;
const pauseWithoutRetryAfterMs = 10_000;

const fullConnection = z.object({ credentials: z.object({ access_token: z.string().optional() }) });
const errorBody = z.object({ error: z.object({ code: z.string() }) });

/** A header value without surprises. A line break in a token would break the header, and fetch would quote it in its error. */
export function isUsableToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

/**
 * The Notion token of a connection: GET {url}/connections/{id}?provider_config_key=…, with `force_refresh=true` past Nango's own cache.
 * Never rejects.
 */
export async function nangoToken(
  nango: { readonly url: string; readonly apiKey: string },
  connection: Pick<Connection, 'connectionId' | 'providerConfigKey'>,
  options: { readonly forceRefresh: boolean; readonly deadlineMs: number; readonly now: () => number },
): Promise<NangoAnswer> {
  const query = new URLSearchParams({ provider_config_key: connection.providerConfigKey });
  if (options.forceRefresh) query.set('force_refresh', 'true');
  const url = `${nango.url.replace(/\/+$/, '')}/connections/${encodeURIComponent(connection.connectionId)}?${query.toString()}`;
  try {
    const headers = { authorization: `Bearer ${nango.apiKey}`, accept: 'application/json' };
    const answer = await exchange(url, { headers }, { deadlineMs: options.deadlineMs, signal: new AbortController().signal });
    return read(answer, options.now());
  } catch (error) {
    const code = error instanceof ExchangeError ? error.code : 'unexpected';
    const message = error instanceof ExchangeError ? error.message : 'the call failed';
    return { kind: 'retry', failure: { class: 'network', code, message: `Nango: ${message}` }, waitMs: transientWaitMs, everyone: false };
  }
}

function read(answer: HttpAnswer, now: number): NangoAnswer {
  const body = parseJson(answer.text);
  const { status } = answer;
  if (status >= 200 && status < 300) {
    const token = fullConnection.safeParse(body).data?.credentials.access_token;
    if (token !== undefined && isUsableToken(token)) return { kind: 'token', token };
    if (body === null) return transient('server', status, 'malformed_body');
    return operator(status, 'no_access_token', 'the answer has no access token; does the API key have the scope read_credentials?', false);
  }
  const code = errorBody.safeParse(body).data?.error.code ?? null;
  if (status === 429) {
    const waitMs = parseRetryAfter(answer.headers.get('retry-after'), now) ?? pauseWithoutRetryAfterMs;
    return { kind: 'retry', failure: describe('rate_limited', status, code ?? 'too_many_request'), waitMs, everyone: true };
  }
  // An answer that is not in Nango's form comes from something in between: it may say nothing about a customer's grant.
  if (code === null || status >= 500 || status < 400) return transient('server', status, code ?? 'not_a_nango_answer');
  if (code === 'invalid_credentials') return { kind: 'unauthorized', failure: describe('unauthorized', status, code) };
  if (status === 404 && code === 'not_found') return { kind: 'connection_deleted', failure: describe('gone', status, code) };
  if (status === 401 || status === 403) return operator(status, code, 'Nango refuses the API key', true);
  return operator(status, code, 'Nango refuses the request', false);
}

function transient(failureClass: 'server', status: number, code: string): NangoAnswer {
  return { kind: 'retry', failure: describe(failureClass, status, code), waitMs: transientWaitMs, everyone: false };
}

function operator(status: number, code: string, hint: string, everyone: boolean): NangoAnswer {
  const failure = { class: 'misconfigured', code, message: `Nango: status ${status} ${code}: ${hint}` } as const;
  return { kind: 'retry', failure, waitMs: operatorWaitMs, everyone };
}

function describe(failureClass: Failure['class'], status: number, code: string): Failure {
  return { class: failureClass, code, message: `Nango: status ${status} ${code}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
