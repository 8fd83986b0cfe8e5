import type { RouteHead } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import { consoleRoutes } from '../routes/routes.ts';

/** What the table of routes says, without what answers them. */
export function routeHeads(): readonly RouteHead[] {
  const nothing: unknown = new Proxy(() => nothing, { get: (_, name) => (name === 'then' ? undefined : nothing), apply: () => nothing });
  return consoleRoutes(nothing as ConsoleParts);
}
