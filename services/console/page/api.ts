// The one place that asks the server. Each function is a route of services/console, with its answer's type.
import { infiniteQueryOptions, queryOptions, experimental_streamedQuery as streamedQuery } from '@tanstack/react-query';
import type {
  AdmitAnswer,
  AdmitOrder,
  CancelAnswer,
  CompareAnswer,
  CompareOrder,
  FetchAnswer,
  ReplayDiffAnswer,
  StatusChangeAnswer,
} from '../src/answers/acting.ts';
import type { AuditAnswer } from '../src/answers/audit.ts';
import type { CheckAnswer } from '../src/answers/check.ts';
import type { ErrorAnswer, Paged } from '../src/answers/common.ts';
import type { DatabaseAnswer, DatabasesAnswer, HistoryAnswer, RawAnswer } from '../src/answers/databases.ts';
import type { DeadLettersAnswer, LetterAnswer, LettersAnswer } from '../src/answers/dead-letters.ts';
import type { ConfigAnswer, DoctorAnswer } from '../src/answers/doctor.ts';
import type { EventAnswer, EventsAnswer } from '../src/answers/events.ts';
import type { Explanation } from '../src/answers/explain.ts';
import type { FindAnswer } from '../src/answers/find.ts';
import type { JobAnswer } from '../src/answers/jobs.ts';
import type { Me, SignIn } from '../src/answers/me.ts';
import type { PlanAnswer, PlanOrder, ReplayPlanAnswer, ReplayPlanOrder, RunOrder } from '../src/answers/plans.ts';
import type { ReplayAnswer, ReplaysAnswer } from '../src/answers/replays.ts';
import type { RowAnswer, RowsAnswer } from '../src/answers/rows.ts';
import type { HistoryOfWork, StatusAnswer } from '../src/answers/status.ts';
import type { SweepsAnswer } from '../src/answers/sweeps.ts';
import type { TenantAnswer, TenantsAnswer } from '../src/answers/tenants.ts';
import { ConsoleError } from './console-error.ts';
import { readMessages } from './messages.ts';
import { noteVersion } from './version.ts';

/** Parameters of a route; those that are undefined are left out, a list is repeated. */
type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Expensive questions are asked on demand only. */
const once = { staleTime: Infinity, gcTime: 60_000, refetchOnWindowFocus: false } as const;

/** Asked again while an operator cannot do something: a server may have been unavailable, or asked about the console's rights for the first time. */
export const me = queryOptions({
  queryKey: ['me'],
  queryFn: ask<Me>('/me'),
  staleTime: Infinity,
  refetchInterval: ({ state }) => (state.data !== undefined && isHeldUp(state.data) ? 5_000 : false),
});
export const status = queryOptions({ queryKey: ['status'], queryFn: ask<StatusAnswer>('/status'), refetchInterval: 2_000 });
/** What the workers did in each minute of the last hour. */
export const work = queryOptions({ queryKey: ['work'], queryFn: ask<HistoryOfWork>('/history'), refetchInterval: 30_000 });
export const config = queryOptions({ queryKey: ['config'], queryFn: ask<ConfigAnswer>('/config') });

export const find = (q: string) =>
  queryOptions({ queryKey: ['find', q], queryFn: ask<FindAnswer>('/find', { q }), enabled: q !== '', staleTime: 10_000 });

export const tenants = (filter: Parameters) => pages<TenantsAnswer>('/tenants', filter);
export const tenant = (id: string) =>
  queryOptions({ queryKey: ['tenant', id], queryFn: ask<TenantAnswer>(`/tenants/${part(id)}`), refetchInterval: 5_000 });

export const databases = (tenantId: string, filter: Parameters) => pages<DatabasesAnswer>(`/tenants/${part(tenantId)}/databases`, filter);
export const database = (place: Place) =>
  queryOptions({ queryKey: ['database', place], queryFn: ask<DatabaseAnswer>(pathOf(place)), refetchInterval: 5_000 });
export const rows = (place: Place, filter: Parameters) => pages<RowsAnswer>(`${pathOf(place)}/rows`, filter);
export const history = (place: Place) =>
  queryOptions({ queryKey: ['history', place], queryFn: ask<HistoryAnswer>(`${pathOf(place)}/history`) });
export const raw = (place: Place) =>
  queryOptions({ queryKey: ['raw', place], queryFn: ask<RawAnswer>(`${pathOf(place)}/raw`), gcTime: 10_000 });
export const row = (tenantId: string, pageId: string) =>
  queryOptions({ queryKey: ['row', tenantId, pageId], queryFn: ask<RowAnswer>(`/tenants/${part(tenantId)}/rows/${part(pageId)}`) });

/** Newer ones arrive live: loading the list again would move what is being read. */
export const events = (filter: Parameters) =>
  infiniteQueryOptions({ ...pages<EventsAnswer>('/events', filter), refetchOnWindowFocus: false, refetchOnMount: 'always' });
export const event = (id: string) => queryOptions({ queryKey: ['event', id], queryFn: ask<EventAnswer>(`/events/${part(id)}`) });

export const deadLetters = queryOptions({
  queryKey: ['dead-letters'],
  queryFn: ask<DeadLettersAnswer>('/dead-letters'),
  refetchInterval: 15_000,
});
export const letters = (filter: Parameters) => pages<LettersAnswer>('/dead-letters/letters', filter);
export const letter = (ref: string) =>
  queryOptions({ queryKey: ['letter', ref], queryFn: ask<LetterAnswer>(`/dead-letters/${ref.split(':').map(part).join('/')}`) });

export const replays = () => pages<ReplaysAnswer>('/replays', {});
export const replay = (id: string) =>
  queryOptions({ queryKey: ['replay', id], queryFn: ask<ReplayAnswer>(`/replays/${part(id)}`), refetchInterval: 2_000 });
export const sweeps = (filter: Parameters) => pages<SweepsAnswer>('/sweeps', filter);
export const audit = (filter: Parameters) => pages<AuditAnswer>('/audit', filter);

/** «Equal to Notion?» */
export const check = (place: Place) => send<CheckAnswer>('POST', `${pathOf(place)}/check`, {});
/** Changes nothing; the plan is kept for ten minutes. */
export const plan = (order: PlanOrder) =>
  queryOptions({ queryKey: ['plan', order], queryFn: async () => send<PlanAnswer>('POST', '/plans', order), ...once, gcTime: 0 });
export const replayPlan = (order: ReplayPlanOrder) =>
  queryOptions({
    queryKey: ['replay-plan', order],
    queryFn: async () => send<ReplayPlanAnswer>('POST', '/replays/plan', order),
    ...once,
    gcTime: 0,
  });
export const runPlan = (id: string, order: RunOrder) => send<JobAnswer>('POST', `/plans/${part(id)}/run`, order);
/** A job as it goes on. It is followed again when its console was restarted. */
export const job = (id: string) =>
  queryOptions({
    queryKey: ['job', id],
    queryFn: pieces<JobAnswer>(`/jobs/${part(id)}/stream`, 'job', {}, 'append'),
    refetchOnWindowFocus: false,
    refetchInterval: ({ state }) => (state.status === 'error' && isPassing(state.error) ? 2_000 : false),
  });
export const stopJob = (id: string) => send<JobAnswer>('POST', `/jobs/${part(id)}/stop`, {});
export const continueJob = (id: string) => send<JobAnswer>('POST', `/jobs/${part(id)}/continue`, {});

export const compare = (tenantId: string, order: CompareOrder) => send<CompareAnswer>('POST', `/tenants/${part(tenantId)}/compare`, order);
export const setPaused = (connectionId: string, isPaused: boolean, reason: string) =>
  send<StatusChangeAnswer>('POST', `/connections/${part(connectionId)}/${isPaused ? 'pause' : 'resume'}`, { reason });
export const admit = (connectionId: string, order: AdmitOrder) => send<AdmitAnswer>('POST', `/notices/${part(connectionId)}/admit`, order);
export const fetchDatabase = (place: Place, reason: string) => send<FetchAnswer>('POST', `${pathOf(place)}/fetch`, { reason });
export const cancelReplay = (id: string, reason: string) => send<CancelAnswer>('POST', `/replays/${part(id)}/cancel`, { reason });
export const switchReplay = (id: string, reason: string) =>
  send<JobAnswer>('POST', `/replays/${part(id)}/switch`, { reason, confirm: 'switch' });
/** Compares the shadow with the mirror, which can take minutes: on demand only. */
export const replayDiff = (id: string) =>
  queryOptions({
    queryKey: ['replay-diff', id],
    queryFn: pieces<ReplayDiffAnswer>(`/replays/${part(id)}/diff`, 'diff'),
    ...once,
    enabled: false,
  });

export const logIn = (token: string) => send<Me>('POST', '/session', { token } satisfies SignIn);
export const logOut = () => send<unknown>('DELETE', '/session');

/** Where live outcomes come from. */
export const liveAddress = (tenantId: string | undefined) => address('/stream', { tenant: tenantId });

/** The causes, filled in as the servers answer. */
export const explanation = (id: string, filter: Parameters) =>
  queryOptions({ queryKey: ['explain', id, filter], queryFn: pieces<Explanation>(`/explain/${part(id)}`, 'explanation', filter), ...once });
export const doctor = queryOptions({ queryKey: ['doctor'], queryFn: pieces<DoctorAnswer>('/doctor', 'checks'), ...once });

/** A database of a tenant. */
export interface Place {
  readonly tenant: string;
  readonly database: string;
}

function pathOf(place: Place): string {
  return `/tenants/${part(place.tenant)}/databases/${part(place.database)}`;
}

function part(text: string): string {
  return encodeURIComponent(text);
}

function address(path: string, parameters: Parameters = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    for (const each of typeof value === 'string' ? [value] : value) query.append(name, each);
  }
  return query.size === 0 ? `/api${path}` : `/api${path}?${query}`;
}

/** A list, page by page, by the server's cursors. */
function pages<T extends Paged>(path: string, parameters: Parameters) {
  return infiniteQueryOptions({
    queryKey: [path, parameters],
    queryFn: async ({ pageParam, signal }) => ask<T>(path, { ...parameters, cursor: pageParam })({ signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
  });
}

function ask<T>(path: string, parameters?: Parameters) {
  return async ({ signal }: { readonly signal: AbortSignal }): Promise<T> => answer<T>(address(path, parameters), { signal });
}

function isHeldUp({ role, actions }: Me): boolean {
  return role === 'operator' && Object.entries(actions).some(([name, { allowed }]) => name !== 'signOut' && !allowed);
}

/** Whether it can work again by itself: the console restarts, or a server of it does. */
function isPassing(error: unknown): boolean {
  const { status: code } = ConsoleError.of(error);
  return code === null || code >= 500;
}

/** An answer that arrives piece by piece, each the whole of what is known. Null: nothing is known yet. `append`: the last one stays while it is asked again. */
function pieces<T>(path: string, name: string, parameters?: Parameters, refetchMode: 'reset' | 'append' = 'reset') {
  return streamedQuery<T, T | null>({
    refetchMode,
    streamFn: ({ signal }) => readPieces<T>(address(path, parameters), name, signal),
    reducer: (_, piece) => piece,
    initialValue: null,
  });
}

async function* readPieces<T>(url: string, name: string, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const { body } = await respond(url, { signal });
  if (body === null) return;
  for await (const { event: kind, data } of readMessages(body)) {
    if (kind === name) yield JSON.parse(data) as T;
    if (kind === 'failed') throw failureFrom(JSON.parse(data) as ErrorAnswer, null);
    if (kind === 'done') return;
  }
  throw new ConsoleError('stream_ended', 'The console stopped answering.', { remedy: 'What is shown may be incomplete. Try again.' });
}

/** Without a body as well, since the server wants the type of every request that changes something. */
async function send<T>(method: 'POST' | 'DELETE', path: string, body?: object): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return answer<T>(address(path), { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

async function answer<T>(url: string, init: RequestInit): Promise<T> {
  const response = await respond(url, init);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

/** Throws a ConsoleError for an answer that is none. */
async function respond(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ConsoleError('console_unavailable', 'The console does not answer.', {
      remedy: 'Is it still running, and is this machine connected? Lists and figures show what was last known.',
      cause: error,
    });
  }
  noteVersion(response.headers.get('x-console-version'));
  if (!response.ok) throw await failureOf(response);
  return response;
}

async function failureOf(response: Response): Promise<ConsoleError> {
  const { status: code } = response;
  try {
    return failureFrom((await response.json()) as ErrorAnswer, code);
  } catch {
    // A proxy in between has pages of its own.
    return new ConsoleError('unexpected', `The answer was HTTP ${code} without a reason.`, {
      status: code,
      remedy: 'Something between this page and the console answered. Check the proxy in front of it.',
    });
  }
}

function failureFrom({ error }: ErrorAnswer, httpStatus: number | null): ConsoleError {
  return new ConsoleError(error.code, error.message, { remedy: error.remedy, status: httpStatus });
}
