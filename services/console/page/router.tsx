import { createRootRoute, createRoute, createRouter, defaultStringifySearch, lazyRouteComponent } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ConsoleError } from './console-error.ts';
import { Failed, FailedAlone, NotFound } from './parts/failure.tsx';
import { Shell } from './parts/shell.tsx';

/** Any link may hold any search parameters: unexpected ones are left out. */
type Search = Readonly<Record<string, unknown>>;

function text(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, 500) : undefined;
}

/** Places on the dead-letter topic, as `3:17,3:18`. */
function places(search: Search): { readonly refs?: string | undefined } {
  const { refs } = search;
  return { refs: typeof refs === 'string' && /^\d+:\d+(,\d+:\d+)*$/.test(refs) ? refs : undefined };
}

/** The fields as texts. What is none is undefined and not left out, since the router keeps what it was given under names that are left out. */
function texts<const K extends string>(search: Search, names: readonly K[]): { [name in K]?: string | undefined } {
  return Object.fromEntries(names.map((name) => [name, text(search[name])])) as { [name in K]?: string | undefined };
}

/** One of the known values, or undefined. */
function choice<const K extends string, const T extends string>(
  search: Search,
  name: K,
  known: readonly T[],
): { [name in K]?: T | undefined } {
  return { [name]: known.find((each) => each === search[name]) } as { [name in K]?: T | undefined };
}

const letterFilters = ['class', 'code', 'service', 'tenant', 'since'] as const;
const eventFilters = ['tenant', 'about', 'type', 'outcome', 'origin', 'service', 'from', 'to', 'minMs', 'needsLook'] as const;
const tenantTabs = ['databases', 'events', 'connections', 'sweeps', 'dead-letters'] as const;
const databaseTabs = ['schema', 'rows', 'history', 'raw', 'use'] as const;

/** The stated type keeps the types of the routes from depending on those of the pages, which depend on the routes. */
type Page = () => ReactNode;

function lazy(load: () => Promise<Page>) {
  return lazyRouteComponent(async () => ({ default: await load().catch(rethrow) }));
}

/** Otherwise the router reloads the document by itself, which leaves nothing to read while the console restarts. */
function rethrow(error: unknown): never {
  throw ConsoleError.of(error);
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: FailedAlone });
const overview = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazy(async (): Promise<Page> => (await import('./pages/overview.tsx')).Overview),
});

const tenants = createRoute({
  getParentRoute: () => root,
  path: '/tenants',
  validateSearch: (search: Search) => texts(search, ['state', 'freshness', 'q', 'sort']),
  component: lazy(async (): Promise<Page> => (await import('./pages/tenants.tsx')).Tenants),
});

const tenant = createRoute({
  getParentRoute: () => root,
  path: '/t/$tenant',
  validateSearch: (search: Search) => ({ ...choice(search, 'tab', tenantTabs), ...texts(search, ['q', 'removed']) }),
  component: lazy(async (): Promise<Page> => (await import('./pages/tenant.tsx')).Tenant),
});

const database = createRoute({
  getParentRoute: () => root,
  path: '/t/$tenant/d/$database',
  validateSearch: (search: Search) => ({
    ...choice(search, 'tab', databaseTabs),
    ...texts(search, ['source', 'hidden', 'where']),
  }),
  component: lazy(async (): Promise<Page> => (await import('./pages/database.tsx')).Database),
});

const row = createRoute({
  getParentRoute: () => root,
  path: '/t/$tenant/r/$page',
  component: lazy(async (): Promise<Page> => (await import('./pages/row.tsx')).Row),
});

const events = createRoute({
  getParentRoute: () => root,
  path: '/events',
  validateSearch: (search: Search) => ({ ...texts(search, eventFilters), ...choice(search, 'live', ['off']) }),
  component: lazy(async (): Promise<Page> => (await import('./pages/events.tsx')).Events),
});

const change = createRoute({
  getParentRoute: () => root,
  path: '/events/$id',
  component: lazy(async (): Promise<Page> => (await import('./pages/change.tsx')).Change),
});

const explainForm = createRoute({
  getParentRoute: () => root,
  path: '/explain',
  component: lazy(async (): Promise<Page> => (await import('./pages/explain.tsx')).Explain),
});

/** `id`: also a Notion URL. */
const explain = createRoute({
  getParentRoute: () => root,
  path: '/explain/$id',
  validateSearch: (search: Search) => ({ ...texts(search, ['tenant']), ...choice(search, 'notion', ['off']) }),
  component: lazy(async (): Promise<Page> => (await import('./pages/explain.tsx')).Explain),
});

const deadLetters = createRoute({
  getParentRoute: () => root,
  path: '/dead-letters',
  validateSearch: (search: Search) => texts(search, [...letterFilters, 'settled']),
  component: lazy(async (): Promise<Page> => (await import('./pages/dead-letters.tsx')).DeadLetters),
});

const letterPlan = createRoute({
  getParentRoute: () => root,
  path: '/dead-letters/plan',
  validateSearch: (search: Search) => ({
    ...choice(search, 'action', ['redrive', 'drop']),
    ...places(search),
    ...texts(search, [...letterFilters, 'force']),
  }),
  component: lazy(async (): Promise<Page> => (await import('./pages/letter-plan.tsx')).LetterPlan),
});

const job = createRoute({
  getParentRoute: () => root,
  path: '/jobs/$id',
  component: lazy(async (): Promise<Page> => (await import('./pages/job.tsx')).Job),
});

const deadLetter = createRoute({
  getParentRoute: () => root,
  path: '/dead-letters/$partition/$offset',
  component: lazy(async (): Promise<Page> => (await import('./pages/dead-letter.tsx')).DeadLetter),
});

const replays = createRoute({
  getParentRoute: () => root,
  path: '/replays',
  component: lazy(async (): Promise<Page> => (await import('./pages/replays.tsx')).Replays),
});

const replayPlan = createRoute({
  getParentRoute: () => root,
  path: '/replays/plan',
  validateSearch: (search: Search) => ({
    ...choice(search, 'source', ['states', 'events']),
    ...choice(search, 'into', ['mirror', 'shadow']),
    ...texts(search, ['tenant', 'database', 'since', 'offsets']),
  }),
  component: lazy(async (): Promise<Page> => (await import('./pages/replay-plan.tsx')).ReplayPlan),
});

const replay = createRoute({
  getParentRoute: () => root,
  path: '/replays/$id',
  component: lazy(async (): Promise<Page> => (await import('./pages/replay.tsx')).Replay),
});

const sweeps = createRoute({
  getParentRoute: () => root,
  path: '/sweeps',
  validateSearch: (search: Search) => texts(search, ['state']),
  component: lazy(async (): Promise<Page> => (await import('./pages/sweeps.tsx')).Sweeps),
});

const doctor = createRoute({
  getParentRoute: () => root,
  path: '/doctor',
  component: lazy(async (): Promise<Page> => (await import('./pages/doctor.tsx')).Doctor),
});

const audit = createRoute({
  getParentRoute: () => root,
  path: '/audit',
  validateSearch: (search: Search) => texts(search, ['who', 'action', 'tenant']),
  component: lazy(async (): Promise<Page> => (await import('./pages/audit.tsx')).Audit),
});

const routeTree = root.addChildren([
  overview,
  tenants,
  tenant,
  database,
  row,
  events,
  change,
  explainForm,
  explain,
  deadLetters,
  letterPlan,
  deadLetter,
  job,
  replays,
  replayPlan,
  replay,
  sweeps,
  doctor,
  audit,
]);

/** An empty field is no filter, and not in the address. */
function stringifySearch(search: Search): string {
  return defaultStringifySearch(Object.fromEntries(Object.entries(search).filter(([, value]) => value !== '')));
}

export const router = createRouter({
  routeTree,
  stringifySearch,
  defaultPreload: 'intent',
  defaultErrorComponent: Failed,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    readonly router: typeof router;
  }
}
