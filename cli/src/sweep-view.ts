import type { IncompleteSweep, SweepStatus } from '@notion-mirror/mirror-store/sweep-ledger';
import { count, oneLine } from '@notion-mirror/operations/text';
import { stateOfStatus } from '@notion-mirror/operations/reconcile/sweep-json';
import { minute, table, type Colors } from './output.ts';

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
    const state = stateOfStatus(sweep);
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

function wordsOf({ failures, failure, last }: SweepStatus): string {
  if (failures > 0) return `failed ${failures === 1 ? 'once' : `${failures} times`}: ${oneLine(failure ?? '')}`;
  if (last === null) return '';
  const events = Object.entries(last.events).map(([reason, number]) => `${number} ${reason}`);
  const found = events.length === 0 ? 'no difference' : events.join(', ');
  const uncompared = last.incomplete === undefined ? '' : '; not everything could be compared';
  return `${count(last.held, 'database')}: ${found}${last.stopped ? `; ${last.removals} gone, not removed` : ''}${uncompared}`;
}
