import type { FieldDifference } from '@notion-mirror/domain/content-differences';
import { count, oneLine } from '@notion-mirror/operations/text';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import { type Colors } from './output.ts';
import type { Difference } from '@notion-mirror/operations/verify/compare-entities';
import { differenceJson, valueText } from '@notion-mirror/operations/verify/difference-json';
import type { RowVerification } from '@notion-mirror/operations/verify/verify-rows';
import type { Verification } from '@notion-mirror/operations/verify/verify-tenants';

const fieldsShown = 20;
const longestShown = 80;

export function verificationJson(found: Verification): JsonObject {
  return {
    tenants: found.tenants,
    withoutConnection: found.withoutConnection,
    compared: found.compared,
    differences: found.differences.map(differenceJson),
    unsettled: found.unsettled,
    unanswered: found.unanswered.map(({ kind, workspaceId, id, dataSourceId, why }) => ({
      workspaceId,
      [kind.idField]: id,
      ...(dataSourceId === undefined ? {} : { dataSourceId }),
      why,
    })),
  };
}

export function rowVerificationJson(found: RowVerification): JsonObject {
  const { sources, off, beyond } = found;
  return { ...verificationJson(found), dataSources: sources, off, beyond: beyond.map((one) => ({ ...one })) };
}

export function renderVerification(found: Verification, appended: number, colors: Colors): string {
  return render(found, `${count(found.compared, 'database')} of ${count(found.tenants, 'tenant')} compared`, appended, [], colors);
}

export function renderRowVerification(found: RowVerification, appended: number, colors: Colors): string {
  const { compared, sources, off, beyond } = found;
  const what = `${count(compared, 'row')} of ${count(sources, 'data source')} compared${off === 0 ? '' : ` (${off} more are off)`}`;
  const more = beyond.map(({ workspaceId, dataSourceId, rows }) =>
    colors.red(
      `${oneLine(workspaceId)} data source ${dataSourceId}: ${count(rows, 'more row')} differ from Notion's answer, and were not read singly; mirror rows scan ${dataSourceId} compares and fixes all.`,
    ),
  );
  return render(found, what, appended, more, colors);
}

function render(found: Verification, what: string, appended: number, more: readonly string[], colors: Colors): string {
  const { differences, unsettled, unanswered, withoutConnection } = found;
  const lines = [
    ...differences.flatMap((difference) => renderDifference(difference, colors)),
    ...unanswered.map(({ workspaceId, id, dataSourceId, why }) => {
      const subject = id ?? (dataSourceId === undefined ? '' : `data source ${dataSourceId}`);
      return colors.yellow(`${oneLine(workspaceId)} ${subject} could not be compared: ${oneLine(why)}`.replace('  ', ' '));
    }),
    ...more,
    ...(unsettled.length === 0 ? [] : [`Changed each time they were compared: ${unsettled.join(', ')}.`]),
    ...(withoutConnection.length === 0
      ? []
      : [`Not compared, since they have no active connection: ${withoutConnection.map(oneLine).join(', ')}.`]),
    `${what}: ${
      differences.length + more.length === 0 ? colors.green('equal') : colors.red(count(differences.length, 'difference'))
    }${unanswered.length === 0 ? '' : `, ${colors.yellow(`${unanswered.length} without an answer`)}`}.`,
    ...(appended === 0 ? [] : [`${count(appended, 'sync event')} appended; the workers fetch them now.`]),
  ];
  return lines.join('\n');
}

const extraBecause = {
  trashed: 'and it is in the trash',
  inaccessible: 'and no connection can read it',
  moved_away: 'and it is no row any more',
} as const;

function renderDifference({ workspaceId, id, verdict }: Difference, colors: Colors): string[] {
  const head = `${oneLine(workspaceId)} ${id} ${colors.red(verdict.kind)}`;
  switch (verdict.kind) {
    case 'missing':
      return [`${head}: Notion shows it, the mirror does not`];
    case 'extra':
      return [`${head}: the mirror shows it, ${extraBecause[verdict.because]}`];
    case 'damaged':
      return [`${head}: no worker can read its record, so an event does not fix it: ${oneLine(verdict.problem)}`];
    case 'stale': {
      const more = verdict.fields.length - fieldsShown;
      return [
        `${head}: ${count(verdict.fields.length, 'place')}`,
        ...verdict.fields.slice(0, fieldsShown).map((field) => renderField(field, colors)),
        ...(more > 0 ? [`    … and ${more} more`] : []),
      ];
    }
  }
}

function renderField({ path, mirror, notion }: FieldDifference, colors: Colors): string {
  return `    ${oneLine(path)}: mirror ${colors.red(shown(mirror))}, Notion ${colors.green(shown(notion))}`;
}

function shown(value: unknown): string {
  return oneLine(valueText(value, longestShown) ?? 'nothing');
}
