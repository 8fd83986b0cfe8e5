import { databases } from './entities/database.ts';
import { rows } from './entities/row.ts';
import type { AnyEntity } from './operated-entity.ts';

/** The kinds that operators can set up, verify, explain, rebuild and purge. A kind whose events name another kind's entity, too, comes after that. */
export const operatedEntities: readonly AnyEntity[] = [databases, rows];
