import type { Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import { eventRoutes } from './events.ts';
import { meRoutes } from './me.ts';
import { statusRoutes } from './status.ts';
import { tenantRoutes } from './tenants.ts';

/** The whole API. */
export function consoleRoutes(parts: ConsoleParts): Route[] {
  return [...meRoutes(parts), ...statusRoutes(parts), ...tenantRoutes(parts), ...eventRoutes(parts)];
}
