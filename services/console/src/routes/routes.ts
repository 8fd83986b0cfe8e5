import type { Route } from '../http/route.ts';
import type { ConsoleParts } from '../parts.ts';
import { auditRoutes } from './audit.ts';
import { actingRoutes } from './acting.ts';
import { checkRoutes, createChecks } from './check.ts';
import { databaseRoutes } from './databases.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { doctorRoutes } from './doctor.ts';
import { eventRoutes } from './events.ts';
import { explainRoutes } from './explain.ts';
import { findRoutes } from './find.ts';
import { createJobViews, jobRoutes } from './jobs.ts';
import { meRoutes } from './me.ts';
import { planRoutes } from './plans.ts';
import { replayRoutes } from './replays.ts';
import { rowRoutes } from './rows.ts';
import { statusRoutes } from './status.ts';
import { sweepRoutes } from './sweeps.ts';
import { tenantRoutes } from './tenants.ts';

/** The whole API. */
export function consoleRoutes(parts: ConsoleParts): Route[] {
  const checks = createChecks(parts);
  const viewJob = createJobViews(parts);
  return [
    ...meRoutes(parts),
    ...statusRoutes(parts),
    ...tenantRoutes(parts),
    ...databaseRoutes(parts),
    ...rowRoutes(parts),
    ...checkRoutes(checks),
    ...actingRoutes(parts, checks),
    ...eventRoutes(parts),
    ...findRoutes(parts),
    ...explainRoutes(parts),
    ...deadLetterRoutes(parts),
    ...planRoutes(parts, viewJob),
    ...jobRoutes(parts, viewJob),
    ...replayRoutes(parts, viewJob),
    ...sweepRoutes(parts),
    ...doctorRoutes(parts),
    ...auditRoutes(parts),
  ];
}
