import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { openNamingRows } from '@notion-mirror/mirror-store/entities/naming-rows';
import { readRelations } from '@notion-mirror/mirror-store/entities/relations';
import { createDependencyScans } from './dependency-scans.ts';
import { createDependents, type Dependents } from './dependents.ts';
import type { Worker } from './run-worker.ts';

const opened = new WeakMap<Worker, Dependents>();

/** The rows that depend on others, one for all parts of a running worker: what one of them learns, the others know. */
export function openDependents(worker: Worker): Dependents {
  const dependents = opened.get(worker) ?? open(worker);
  opened.set(worker, dependents);
  return dependents;
}

function open(worker: Worker): Dependents {
  const { db, append } = worker;
  return createDependents({
    readRelations: (workspaceId) => readRelations(db, workspaceId),
    rows: openNamingRows(db),
    scans: createDependencyScans({ contents: openDataSourceContents(db), now: Date.now }),
    append,
    now: Date.now,
  });
}
