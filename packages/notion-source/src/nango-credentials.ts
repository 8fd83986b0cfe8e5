import { z } from 'zod';
import type { Connection } from '@notion-mirror/domain/connection';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import { exchange, ExchangeError, type HttpAnswer } from './http-exchange.ts';
import { parseJson } from './json-object.ts';
import { parseRetryAfter, type SourceFailure } from './notion-errors.ts';

export type NangoAnswer = { readonly kind: 'token'; readonly token: string } | NangoRefusal;

/** A grant as Nango has it. */
export interface NangoGrant {
  /** Nango's name of the provider: if it is not `notion`, the connection is not ours. */
  readonly provider: string;
  /** Null when neither Nango nor Notion's token response has it. */
  readonly notionWorkspaceId: string | null;
  readonly botId: string | null;
  /** Tags of the connection; of an older one its end user and organisation, as the tags `end_user_id` and `organization_id`. */
  readonly tags: Readonly<Record<string, string>>;
  /** Later after each authorisation. */
  readonly updatedAt: Date | null;
}

export type GrantAnswer = { readonly kind: 'grant'; readonly grant: NangoGrant } | NangoRefusal;

export type NangoRefusal =
  /** Nango does not know the connection, or no longer. */
  | { readonly kind: 'connection_deleted'; readonly failure: SourceFailure }
  /** Nango could not refresh the grant: the customer must connect again. */
  | { readonly kind: 'unauthorized'; readonly failure: SourceFailure }
  /** `everyone`: the answer concerns our API key, so no call for any connection is worth making before `waitMs` have passed. */
  | { readonly kind: 'retry'; readonly failure: SourceFailure; readonly waitMs: number; readonly everyone: boolean };

/** How long not to call Nango when only an operator can help. */
const operatorWaitMs = 120_000;
const transientWaitMs = 2_000;
const pauseWithoutRetryAfterMs = 10_000;

const fullConnection = z.object({ credentials: z.object({ access_token: z.string().optional() }) });

const maybe = <T>(schema: z.ZodType<T>) => schema.nullish().catch(null);
const notionId = z.string().transform((text) => canonicalNotionId(text));
const grantedConnection = z.object({
  provider: z.string(),
  tags: maybe(z.record(z.string(), z.string())),
  end_user: maybe(z.object({ id: maybe(z.string()), organization: maybe(z.object({ id: maybe(z.string()) })) })),
  connection_config: maybe(z.object({ workspace_id: maybe(notionId) })),
  updated_at: maybe(z.iso.datetime({ offset: true }).transform((text) => new Date(text))),
  errors: z.array(z.object({ type: z.string() })).catch([]),
  credentials: maybe(z.object({ raw: maybe(z.object({ workspace_id: maybe(notionId), bot_id: maybe(notionId) })) })),
});
const errorBody = z.object({ error: z.object({ code: z.string() }) });

/** Whether a token is a valid header value. With a line break it would not be, and fetch would quote it in its error. */
export function isUsableToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

/**
 * The Notion token of a connection: GET {url}/connections/{id}?provider_config_key=…, with `force_refresh=true` past Nango's own cache.
 * Never rejects.
 */
export async function nangoToken(
  nango: NangoAccess,
  connection: ConnectionName,
  options: AskOptions & { readonly forceRefresh: boolean },
): Promise<NangoAnswer> {
  const answer = await getConnection(nango, connection, options);
  if (answer.kind !== 'body') return answer;
  const token = fullConnection.safeParse(answer.body).data?.credentials.access_token;
  if (token !== undefined && isUsableToken(token)) return { kind: 'token', token };
  if (answer.body === null) return transient('server', answer.status, 'malformed_body');
  return operator(
    answer.status,
    'no_access_token',
    'the answer has no access token; does the API key have the scope read_credentials?',
    false,
  );
}

/** The grant of a connection: GET {url}/connections/{id}?provider_config_key=… Never rejects. */
export async function nangoGrant(nango: NangoAccess, connection: ConnectionName, options: AskOptions): Promise<GrantAnswer> {
  const answer = await getConnection(nango, connection, { ...options, forceRefresh: false });
  if (answer.kind !== 'body') return answer;
  const found = grantedConnection.safeParse(answer.body).data;
  if (found === undefined) return transient('server', answer.status, 'malformed_body');
  if (found.errors.some(({ type }) => type === 'auth')) {
    return { kind: 'unauthorized', failure: describe('unauthorized', answer.status, 'auth_error') };
  }
  const { provider, tags, end_user: endUser, connection_config: config, updated_at: updatedAt, credentials } = found;
  const [endUserId, organizationId] = [endUser?.id ?? null, endUser?.organization?.id ?? null];
  return {
    kind: 'grant',
    grant: {
      provider,
      notionWorkspaceId: config?.workspace_id ?? credentials?.raw?.workspace_id ?? null,
      botId: credentials?.raw?.bot_id ?? null,
      tags: {
        ...(endUserId === null ? {} : { end_user_id: endUserId }),
        ...(organizationId === null ? {} : { organization_id: organizationId }),
        ...tags,
      },
      updatedAt: updatedAt ?? null,
    },
  };
}

interface NangoAccess {
  readonly url: string;
  readonly apiKey: string;
}

type ConnectionName = Pick<Connection, 'connectionId' | 'providerConfigKey'>;

interface AskOptions {
  readonly deadlineMs: number;
  readonly now: () => number;
}

type Body = { readonly kind: 'body'; readonly status: number; /** Null: no JSON. */ readonly body: unknown };

async function getConnection(
  nango: NangoAccess,
  connection: ConnectionName,
  options: AskOptions & { readonly forceRefresh: boolean },
): Promise<Body | NangoRefusal> {
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

function read(answer: HttpAnswer, now: number): Body | NangoRefusal {
  const body = parseJson(answer.text);
  const { status } = answer;
  if (status >= 200 && status < 300) return { kind: 'body', status, body };
  const code = errorBody.safeParse(body).data?.error.code ?? null;
  if (status === 429) {
    // Without a minimum, a Retry-After of 0 would mean one call after another, for all connections together.
    const waitMs = Math.max(transientWaitMs, parseRetryAfter(answer.headers.get('retry-after'), now) ?? pauseWithoutRetryAfterMs);
    return { kind: 'retry', failure: describe('rate_limited', status, code ?? 'too_many_request'), waitMs, everyone: true };
  }
  // An answer that is not in Nango's form comes from something in between: it proves nothing about a customer's grant.
  if (code === null || status >= 500 || status < 400) return transient('server', status, code ?? 'not_a_nango_answer');
  if (code === 'invalid_credentials') return { kind: 'unauthorized', failure: describe('unauthorized', status, code) };
  if (status === 404 && code === 'not_found') return { kind: 'connection_deleted', failure: describe('gone', status, code) };
  if (status === 401 || status === 403) return operator(status, code, 'Nango refuses the API key', true);
  return operator(status, code, 'Nango refuses the request', false);
}

function transient(failureClass: 'server', status: number, code: string): NangoRefusal {
  return { kind: 'retry', failure: describe(failureClass, status, code), waitMs: transientWaitMs, everyone: false };
}

function operator(status: number, code: string, hint: string, everyone: boolean): NangoRefusal {
  const failure = { class: 'misconfigured', code, message: `Nango: status ${status} ${code}: ${hint}` } as const;
  return { kind: 'retry', failure, waitMs: operatorWaitMs, everyone };
}

function describe(failureClass: SourceFailure['class'], status: number, code: string): SourceFailure {
  return { class: failureClass, code, message: `Nango: status ${status} ${code}` };
}
