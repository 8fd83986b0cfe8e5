import type { Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import { checkRoutes } from './check.ts';
import { databaseRoutes } from './databases.ts';
import { eventRoutes } from './events.ts';
import { explainRoutes } from './explain.ts';
import { findRoutes } from './find.ts';
import { meRoutes } from './me.ts';
import { rowRoutes } from './rows.ts';
import { statusRoutes } from './status.ts';
import { tenantRoutes } from './tenants.ts';

/** The whole API. */
export function consoleRoutes(parts: ConsoleParts): Route[] {
  return [
    ...meRoutes(parts),
    ...statusRoutes(parts),
    ...tenantRoutes(parts),
    ...databaseRoutes(parts),
    ...rowRoutes(parts),
    ...checkRoutes(parts),
    ...eventRoutes(parts),
    ...findRoutes(parts),
    ...explainRoutes(parts),
  ];
}
