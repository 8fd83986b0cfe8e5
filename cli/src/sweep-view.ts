import type { IncompleteSweep, SweepReport, SweepStatus } from '@notion-mirror/mirror-store/sweep-ledger';
import { count, oneLine } from '@notion-mirror/operations/text';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import { minute, table, type Colors } from './output.ts';

export function sweepJson({ workspaceId, dueAt, claimedBy, completedAt, failures, failure, last }: SweepStatus): JsonObject {
  return {
    workspaceId,
    state: stateOf({ claimedBy, failures, last }),
    completedAt: completedAt?.toISOString() ?? null,
    dueAt: dueAt.toISOString(),
    failures,
    failure,
    last: last === null ? null : reportJson(last),
  };
}

function reportJson({ startedAt, endedAt, incomplete, ...report }: SweepReport): JsonObject {
  const shown = { ...report, startedAt: startedAt.toISOString(), endedAt: endedAt.toISOString() };
  if (incomplete === undefined) return shown;
  const { searches, uncompared, databases } = incomplete;
  return {
    ...shown,
    incomplete: {
      searches: searches.map((search) => ({ ...search })),
      uncompared,
      databases: databases.map((database) => ({ ...database })),
    },
  };
}

/** One line for each thing that sweeps could not compare, with the reason. */
export function renderIncomplete(sweeps: readonly SweepStatus[]): string[] {
  return sweeps.flatMap(({ workspaceId, last }) =>
    last?.incomplete === undefined
      ? []
      : reasonsOf(last.incomplete).map((reason) => `${oneLine(workspaceId)} is incomplete, because ${reason}`),
  );
}

function reasonsOf({ searches, uncompared, databases }: IncompleteSweep): string[] {
  const unnamed = uncompared - databases.length;
  return [
    ...searches.map(({ connectionId, because }) => `connection ${oneLine(connectionId)}: ${oneLine(because)}`),
    ...databases.map(({ databaseId, because }) => `database ${oneLine(databaseId)}: ${oneLine(because)}`),
    ...(unnamed > 0 ? [`${count(unnamed, 'more database')} could not be compared`] : []),
  ];
}

export function renderSweeps(sweeps: readonly SweepStatus[], colors: Colors): string {
  if (sweeps.length === 0) return 'No tenant was compared yet. A running sync-worker does it for each tenant with an active connection.';
  const header = ['TENANT', 'STATE', 'COMPLETE', 'NEXT', 'LAST'].map((text) => ({ text, style: colors.dim }));
  const styles = { running: colors.cyan, stopped: colors.yellow, incomplete: colors.yellow, failing: colors.red, waiting: colors.green };
  const rows = sweeps.map((sweep) => {
    const state = stateOf(sweep);
    return [
      oneLine(sweep.workspaceId),
      { text: state, style: styles[state] },
      sweep.completedAt === null ? '–' : minute(sweep.completedAt),
      minute(sweep.dueAt),
      wordsOf(sweep),
    ];
  });
  return table([header, ...rows]);
}

function stateOf({ claimedBy, failures, last }: Pick<SweepStatus, 'claimedBy' | 'failures' | 'last'>) {
  if (claimedBy !== null) return 'running';
  if (failures > 0) return 'failing';
  if (last?.stopped === true) return 'stopped';
  return last?.incomplete === undefined ? 'waiting' : 'incomplete';
}

function wordsOf({ failures, failure, last }: SweepStatus): string {
  if (failures > 0) return `failed ${failures === 1 ? 'once' : `${failures} times`}: ${oneLine(failure ?? '')}`;
  if (last === null) return '';
  const events = Object.entries(last.events).map(([reason, number]) => `${number} ${reason}`);
  const found = events.length === 0 ? 'no difference' : events.join(', ');
  const uncompared = last.incomplete === undefined ? '' : '; not everything could be compared';
  return `${count(last.held, 'database')}: ${found}${last.stopped ? `; ${last.removals} gone, not removed` : ''}${uncompared}`;
}
