import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Failed, NotFound } from './parts/failure.tsx';
import { Shell } from './parts/shell.tsx';

/** Search parameters come from whoever wrote the link: what is not expected is left out. */
type Search = Readonly<Record<string, unknown>>;

function text(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, 500) : undefined;
}

function oneOf<const T extends string>(value: unknown, known: readonly T[]): T | undefined {
  return known.find((each) => each === value);
}

/** The given fields as texts, without those that are missing. */
function texts<const K extends string>(search: Search, names: readonly K[]): { [name in K]?: string } {
  const found: { [name in K]?: string } = {};
  for (const name of names) {
    const value = text(search[name]);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** Without the fields that are undefined, which would differ from missing ones. */
function given<T extends object>(fields: T): { [name in keyof T]?: Exclude<T[name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

export const eventFilters = ['tenant', 'about', 'type', 'outcome', 'origin', 'service', 'from', 'to', 'minMs'] as const;
export const tenantTabs = ['databases', 'events', 'connections', 'sweeps', 'dead-letters'] as const;
export const databaseTabs = ['schema', 'rows', 'history', 'raw', 'use'] as const;

/** The stated type keeps the types of the routes from depending on those of the pages, which depend on the routes. */
type Page = () => ReactNode;

function lazy(load: () => Promise<Page>) {
  return lazyRouteComponent(async () => ({ default: await load() }));
}

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Failed });
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
  validateSearch: (search: Search) => ({ ...given({ tab: oneOf(search['tab'], tenantTabs) }), ...texts(search, ['q', 'removed']) }),
  component: lazy(async (): Promise<Page> => (await import('./pages/tenant.tsx')).Tenant),
});

const database = createRoute({
  getParentRoute: () => root,
  path: '/t/$tenant/d/$database',
  validateSearch: (search: Search) => ({
    ...given({ tab: oneOf(search['tab'], databaseTabs) }),
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
  validateSearch: (search: Search) => ({ ...texts(search, eventFilters), ...given({ live: oneOf(search['live'], ['off']) }) }),
  component: lazy(async (): Promise<Page> => (await import('./pages/events.tsx')).Events),
});

const change = createRoute({
  getParentRoute: () => root,
  path: '/events/$id',
  component: lazy(async (): Promise<Page> => (await import('./pages/change.tsx')).Change),
});

const explain = createRoute({
  getParentRoute: () => root,
  path: '/explain',
  validateSearch: (search: Search) => ({ ...texts(search, ['id', 'tenant']), ...given({ notion: oneOf(search['notion'], ['off']) }) }),
  component: lazy(async (): Promise<Page> => (await import('./pages/explain.tsx')).Explain),
});

const deadLetters = createRoute({
  getParentRoute: () => root,
  path: '/dead-letters',
  validateSearch: (search: Search) => texts(search, ['class', 'code', 'service', 'tenant', 'settled']),
  component: lazy(async (): Promise<Page> => (await import('./pages/dead-letters.tsx')).DeadLetters),
});

const deadLetter = createRoute({
  getParentRoute: () => root,
  path: '/dead-letters/$place',
  component: lazy(async (): Promise<Page> => (await import('./pages/dead-letter.tsx')).DeadLetter),
});

const replays = createRoute({
  getParentRoute: () => root,
  path: '/replays',
  component: lazy(async (): Promise<Page> => (await import('./pages/replays.tsx')).Replays),
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

const routeTree = root.addChildren([
  overview,
  tenants,
  tenant,
  database,
  row,
  events,
  change,
  explain,
  deadLetters,
  deadLetter,
  replays,
  replay,
  sweeps,
  doctor,
]);

export const router = createRouter({ routeTree, defaultPreload: 'intent', scrollRestoration: true });

declare module '@tanstack/react-router' {
  interface Register {
    readonly router: typeof router;
  }
}
