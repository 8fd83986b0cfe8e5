import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { z } from 'zod';
import type { BenchSystem } from './bench-system.ts';
import { runTask } from './children.ts';
import { cpuSecondsOf } from './process-cost.ts';
import type { Contender } from './scenario.ts';

const measured = z.object({ perSecond: z.number(), cpuMicroseconds: z.number() });

export const mongoFloorName = 'MongoDB itself: bulkWrite of 1,000, 4 connections';

/** Writes so many documents, of databases or rows, into an empty collection. Figures as of `mongoTask`. */
export function mongoFloor(bench: BenchSystem, documents: number, of: 'databases' | 'rows' = 'databases'): Contender {
  return mongoTask(bench, mongoFloorName, documents, 'floors/bulk-write.ts', () => ({ of, documents, atATime: 1_000, connections: 4 }));
}

/**
 * A program of this folder that writes so many documents into a database of its own, empty and with all indexes, whose `uri` it gets with its task.
 * Figures: `documents` (/s), `CPU` (µs, of the client), `CPU of MongoDB` (µs).
 */
export function mongoTask(
  { system, watchdog }: BenchSystem,
  name: string,
  documents: number,
  program: string,
  task: () => Readonly<Record<string, unknown>>,
): Contender {
  const { databaseName, client } = system.db;
  const floor = client.db(`${databaseName}_floor`);
  const uri = mongoUriOf(system, floor.databaseName);
  return {
    name,
    async measure() {
      await initMongo(floor, { storages: [databaseStorage, rowStorage], tombstoneTtlMs: 3_600_000, schemaHistoryMs: 3_600_000 });
      const pid = await mongodPid(system);
      const before = cpuSecondsOf(pid);
      const { perSecond, cpuMicroseconds } = measured.parse(await runTask(watchdog, program, { uri, ...task() }));
      const mongodSeconds = cpuSecondsOf(pid) - before;
      await floor.dropDatabase();
      return { documents: perSecond, CPU: cpuMicroseconds, 'CPU of MongoDB': (mongodSeconds / documents) * 1e6 };
    },
  };
}

/** The system's URI with another database on the same server. */
export function mongoUriOf({ env, db }: BenchSystem['system'], database: string): string {
  return String(env['MIRROR_MONGODB_URI']).replace(`/${db.databaseName}?`, `/${database}?`);
}

/** The pid of the system's MongoDB server, which runs on this machine. */
export async function mongodPid({ db }: Pick<BenchSystem['system'], 'db'>): Promise<number> {
  const { pid } = z.object({ pid: z.coerce.number() }).parse(await db.admin().command({ serverStatus: 1 }));
  return pid;
}
