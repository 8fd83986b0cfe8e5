import type { Command as Program } from 'commander';
import type { Connection } from '@notion-mirror/domain/connection';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { createRecordStore } from '@notion-mirror/mirror-store/database-records';
import { openMirroredDocuments } from '@notion-mirror/mirror-store/mirrored-documents';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { SearchError } from '@notion-mirror/notion-source/data-source-search';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { CliError, exitCode, usageError, type ExitCode } from './exit-code.ts';
import { opaqueId } from './id-options.ts';
import pMap from 'p-map';
import { openNotion, type NotionAccess } from './notion-access.ts';
import { appendOperatorSyncs, type SyncRequest } from './operator-events.ts';
import { oneLine } from './output.ts';
import { useMongo } from './servers.ts';
import { compareDatabases, type Comparison, type Unanswered } from './tenant-comparison.ts';
import { renderVerification, verificationJson, type Verification } from './verify-view.ts';

interface VerifyOptions {
  readonly fix?: boolean;
  readonly requestsPerMinute: string;
  readonly grace: string;
}

export function addVerifyCommand(program: Program, act: Act): void {
  program
    .command('verify')
    .description('compares the mirror with Notion as it is now, and prints each difference')
    .argument('[workspace]', 'only this tenant (default: all that have an active connection)')
    .option('--fix', 'append a sync event for each database that differs: the workers mend it')
    .option('--requests-per-minute <n>', "calls to Notion for each connection, beside the workers' own", '60')
    .option('--grace <seconds>', 'how long a difference must stand: an event may be on its way', '10')
    .addHelpText(
      'after',
      `
Examples:
  mirror verify acme
  mirror verify --fix --json > report.json

Exit code 0: equal. 1: a difference, or something could not be compared.`,
    )
    .action(async (workspace: string | undefined, options: VerifyOptions) => {
      await act(async (context) => verify(configured(context), workspace ?? null, options));
    });
}

const tenantsAtOnce = 4;
const progressMs = 5_000;

async function verify(context: ConfiguredContext, workspace: string | null, options: VerifyOptions): Promise<ExitCode> {
  const { output, signal } = context;
  const requestsPerMinute = numberOption('--requests-per-minute', options.requestsPerMinute, 1, 10_000);
  const graceMs = numberOption('--grace', options.grace, 0, 3_600) * 1_000;
  if (workspace !== null) opaqueId('tenant', '[workspace]', workspace);
  return useMongo(context, async ({ db }) => {
    const connections = await createConnectionStore(db).list(workspace ?? undefined);
    if (workspace !== null && connections.length === 0) {
      throw new CliError('unknown_tenant', `there is no connection of the tenant ${oneLine(workspace)}`, {
        remedy: 'mirror connections list',
      });
    }
    const tenants = [...Map.groupBy(connections, ({ workspaceId }) => workspaceId)].map(([workspaceId, own]) => ({
      workspaceId,
      active: own.filter(({ status }) => status === 'active'),
    }));
    const notion = openNotion(context, connections, requestsPerMinute);
    const progress = createProgress(context);
    const results: Comparison[] = [];
    await pMap(
      tenants.filter(({ active }) => active.length > 0),
      async ({ workspaceId, active }) => {
        const listed = await listDatabases({ db, notion, signal }, workspaceId, active);
        progress.add(listed.databaseIds.size);
        const documents = openMirroredDocuments(db);
        const comparison = await compareDatabases(
          {
            read: async (databaseId) => documents.read(workspaceId, databaseId),
            fetch: async (databaseId, attempt, until) => notion.fetchDatabase({ workspaceId, databaseId, attempt }, until),
            clock: systemClock,
            graceMs,
            signal,
            onCompared: progress.step,
          },
          workspaceId,
          listed.databaseIds,
        );
        results.push({ ...comparison, unanswered: [...listed.unanswered, ...comparison.unanswered] });
      },
      { concurrency: tenantsAtOnce },
    );
    const found: Verification = {
      tenants: results.length,
      withoutConnection: tenants.filter(({ active }) => active.length === 0).map(({ workspaceId }) => workspaceId),
      compared: results.reduce((sum, { compared }) => sum + compared, 0),
      differences: results.flatMap(({ differences }) => differences),
      unsettled: results.flatMap(({ unsettled }) => unsettled),
      unanswered: results.flatMap(({ unanswered }) => unanswered),
    };
    const requests = options.fix === true ? fixesOf(found, connections) : [];
    const appended = requests.length === 0 ? 0 : await appendOperatorSyncs(context, 'mirror.verify', requests);
    const isGood = found.differences.length === 0 && found.unanswered.length === 0;
    output.result(isGood, { ...verificationJson(found), appended }, (colors) => renderVerification(found, appended, colors));
    return isGood ? exitCode.ok : exitCode.failed;
  });
}

function numberOption(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value < min || value > max) {
    throw usageError(`${option} takes a number from ${min} to ${max}`);
  }
  return value;
}

/** What the mirror shows of a tenant, and what Notion's search lists: neither need be complete. */
async function listDatabases(
  { db, notion, signal }: { readonly db: Mongo['db']; readonly notion: NotionAccess; readonly signal: AbortSignal },
  workspaceId: string,
  active: readonly Connection[],
): Promise<{ readonly databaseIds: ReadonlySet<string>; readonly unanswered: readonly Unanswered[] }> {
  const databaseIds = new Set(await createRecordStore({ db, metrics: new Registry() }).databaseIdsOf(workspaceId));
  const unanswered: Unanswered[] = [];
  for (const connection of active) {
    try {
      for await (const page of notion.searchDataSources(connection, signal)) {
        for (const { databaseId, dataSourceId } of page) {
          const holder = databaseId ?? (await holderOf(notion, workspaceId, dataSourceId, signal));
          if (holder !== null) databaseIds.add(holder);
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SearchError)) throw error;
      const { connectionId } = connection;
      const why = `${error.message} (connection ${connectionId}${notion.refused.has(connectionId) ? `: ${notion.refused.get(connectionId)}` : ''})`;
      unanswered.push({ workspaceId, databaseId: null, why });
    }
  }
  return { databaseIds, unanswered };
}

async function holderOf(notion: NotionAccess, workspaceId: string, dataSourceId: string, signal: AbortSignal): Promise<string | null> {
  const holder = await notion.databaseOfDataSource({ workspaceId, dataSourceId }, signal);
  return holder.kind === 'database' ? holder.databaseId : null;
}

/** No event mends a record that no worker can read. */
function fixesOf({ differences }: Verification, connections: readonly Connection[]): SyncRequest[] {
  const active = connections.filter(({ status }) => status === 'active');
  return differences.flatMap(({ workspaceId, databaseId, verdict, connectionId }) => {
    const own = active.filter((connection) => connection.workspaceId === workspaceId);
    const connection = own.find((one) => one.connectionId === connectionId) ?? own[0];
    return verdict.kind === 'damaged' || connection === undefined ? [] : [{ connection, databaseId }];
  });
}

function createProgress({ output }: ConfiguredContext): { readonly add: (databases: number) => void; readonly step: () => void } {
  let total = 0;
  let done = 0;
  let toldAt = performance.now();
  return {
    add(databases) {
      total += databases;
    },
    step() {
      done += 1;
      if (performance.now() - toldAt < progressMs) return;
      toldAt = performance.now();
      output.note(`${done} of ${total} databases compared`);
    },
  };
}
