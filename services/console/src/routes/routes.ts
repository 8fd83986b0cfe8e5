import type { Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import { auditRoutes } from './audit.ts';
import { checkRoutes } from './check.ts';
import { databaseRoutes } from './databases.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { doctorRoutes } from './doctor.ts';
import { eventRoutes } from './events.ts';
import { explainRoutes } from './explain.ts';
import { findRoutes } from './find.ts';
import { meRoutes } from './me.ts';
import { replayRoutes } from './replays.ts';
import { rowRoutes } from './rows.ts';
import { statusRoutes } from './status.ts';
import { sweepRoutes } from './sweeps.ts';
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
    ...deadLetterRoutes(parts),
    ...replayRoutes(parts),
    ...sweepRoutes(parts),
    ...doctorRoutes(parts),
    ...auditRoutes(parts),
  ];
}
