import pc from 'picocolors';
import type { LogLine } from './service-process.ts';

type Paint = (text: string) => string;
const paints: readonly Paint[] = [pc.cyan, pc.magenta, pc.yellow, pc.green, pc.blue];

/** The fields of a `database_records` document that the demo shows. */
export interface SeenRecord {
  readonly workspaceId: string;
  readonly databaseId: string;
  readonly title?: string;
  readonly rev: number;
  readonly parent?: { readonly type: string; readonly id: string | null };
  readonly dataSources?: readonly { readonly id: string; readonly name: string; readonly properties?: readonly unknown[] }[];
  readonly removed?: { readonly reason: string };
}

/** The fields of a `row_records` document that the demo shows. */
export interface SeenRow {
  readonly workspaceId: string;
  readonly pageId: string;
  readonly dataSourceId?: string;
  readonly title?: string;
  readonly properties?: readonly { readonly id: string; readonly name: string; readonly type: string; readonly value: unknown }[];
  readonly removed?: { readonly reason: string };
}

export interface Narrator {
  /** A headline of the demo itself. */
  say(text: string): void;
  /** What a person does in Notion. If it is about rows, only they are shown until the next action: each comes with an event of its data source, too. */
  action(workspaceId: string, says: string, about: 'databases' | 'rows'): void;
  /** A line of a service's log; lines that are not part of the story are skipped. */
  log(line: LogLine): void;
  /** A record that was written to MongoDB. */
  record(record: SeenRecord): void;
  /** A row that was written to MongoDB. */
  row(row: SeenRow): void;
}

/** Prints what happens, with a colour for each tenant. */
export function createNarrator(write: (line: string) => void): Narrator {
  const colours = new Map<string, Paint>();
  const titles = new Map<string, string>();
  const gone = new Set<string>();
  const sourceNames = new Map<string, string>();
  const rows = new Map<string, SeenRow>();
  let isAboutRows = false;
  const print = (workspaceId: unknown, what: string) => {
    const tenant = String(workspaceId);
    const paint = colours.get(tenant) ?? paints[colours.size % paints.length] ?? pc.white;
    colours.set(tenant, paint);
    write(`  ${paint(tenant.padEnd(9))} ${what}`);
  };
  const titleOf = (record: SeenRecord): string => {
    if (record.title !== undefined) titles.set(record.databaseId, record.title);
    return titles.get(record.databaseId) ?? record.databaseId;
  };
  return {
    say: (text) => write(`\n${pc.bold(text)}`),
    action(workspaceId, says, about) {
      isAboutRows = about === 'rows';
      print(workspaceId, pc.bold(`▸ ${says}`));
    },
    log(line) {
      if (['warn', 'error', 'fatal'].includes(line.level)) return write(`  ${pc.red(line.level)} ${line.service}: ${line.msg}`);
      if (isAboutRows) return;
      const ms = typeof line['ageMs'] === 'number' ? pc.dim(` ${Math.round(line['ageMs'])} ms after the webhook`) : '';
      if (line.service === 'ingress' && line.msg === 'event accepted')
        print(line['workspaceId'], `  ${pc.dim('event')}    ${String(line['type'])}`);
      else if (line.msg === 'notion call') {
        const took = pc.dim(`${String(line['result'])} · ${Math.round(Number(line['ms']))} ms`);
        print(line['workspaceId'], `  ${pc.dim('fetch')}    ${String(line['endpoint'])} ${took}`);
      } else if (line.outcome !== undefined && line.msg.startsWith('event handled')) {
        const reason = line.reason === undefined ? '' : ` (${line.reason})`;
        print(line['workspaceId'], `  ${pc.dim('outcome')}  ${line.service}: ${line.outcome}${reason}${ms}`);
      }
    },
    record(record) {
      for (const { id, name } of record.dataSources ?? []) sourceNames.set(id, name);
      if (isAboutRows) return;
      const id = `${record.workspaceId}:${record.databaseId}`;
      if (record.removed !== undefined) {
        // A tombstone is rewritten when another event comes; print it once.
        if (!gone.has(id)) print(record.workspaceId, `  ${pc.red('document')} “${titleOf(record)}” is gone: ${record.removed.reason}`);
        gone.add(id);
        return;
      }
      gone.delete(id);
      const sources = record.dataSources ?? [];
      const properties = sources.reduce((sum, source) => sum + (source.properties?.length ?? 0), 0);
      const size = pc.dim(`${sources.length} data source${sources.length === 1 ? '' : 's'}, ${properties} properties, rev ${record.rev}`);
      print(record.workspaceId, `  ${pc.green('document')} “${titleOf(record)}” ${size}`);
    },
    row(row) {
      const before = rows.get(row.pageId);
      // A tombstone has no title.
      const { title = before?.title ?? row.pageId } = row;
      rows.set(row.pageId, { ...row, title });
      const what = changeOf(before, row, sourceNames);
      if (what !== null) print(row.workspaceId, `  ${row.removed === undefined ? pc.green('row') : pc.red('row')}      “${title}” ${what}`);
    },
  };
}

/** What happened to a row since it was last written; null: nothing that the demo shows. */
function changeOf(before: SeenRow | undefined, row: SeenRow, sourceNames: ReadonlyMap<string, string>): string | null {
  // A tombstone is rewritten when another event comes.
  if (row.removed !== undefined) return before?.removed === undefined ? `is gone: ${row.removed.reason}` : null;
  const source = `“${sourceNames.get(row.dataSourceId ?? '') ?? row.dataSourceId ?? ''}”`;
  if (before === undefined) return `is in ${source}${pc.dim(valuesOf(row.properties ?? []))}`;
  if (before.removed !== undefined) return `is back in ${source}`;
  if (before.dataSourceId !== row.dataSourceId) return `is in ${source} now`;
  const known = new Map(before.properties?.map((property) => [property.id, JSON.stringify(property)]));
  const changed = row.properties?.filter((property) => known.get(property.id) !== JSON.stringify(property)) ?? [];
  return changed.length === 0 ? null : `has changed${pc.dim(valuesOf(changed))}`;
}

function valuesOf(properties: NonNullable<SeenRow['properties']>): string {
  const values = properties.filter(({ type, value }) => type !== 'title' && value !== null && value !== '');
  return values.map(({ name, value }) => `, ${name}: ${String(value)}`).join('');
}
