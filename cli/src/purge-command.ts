import { setTimeout as delay } from 'node:timers/promises';
import type { Command as Program } from 'commander';
import { partitionOfKey } from '@notion-mirror/event-log/stable-partitioner';
import { groupIdFor, retentionOf, topicsFor } from '@notion-mirror/event-log/topics';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { openTenantData, type TenantCounts, type TenantData } from '@notion-mirror/mirror-store/tenant-data';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { confirm } from './confirm.ts';
import { CliError, exitCode, usageError, type ExitCode } from './exit-code.ts';
import { opaqueId } from './id-options.ts';
import { count, oneLine } from './output.ts';
import { receiptJson, renderPlan, renderReceipt, type PurgePlan, type Receipt } from './purge-view.ts';
import { kafkaOf, useMongo, withAdmin, type Admin } from './servers.ts';

interface PurgeOptions {
  readonly workspaceId?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly wait: string;
}

/** Until every process has heard that the connections are deleted: change streams, and their longest pause after a break. */
const heardMs = 6_000;
const lookEveryMs = 500;
/** How often in a row there must be nothing left. */
const quietLooks = 3;

export function addPurgeCommand(connections: Program, act: Act): void {
  connections
    .command('purge')
    .description('erases a tenant: its documents, connections and tokens, and what waits for it; prints what ages out elsewhere, and when')
    .argument('[connectionId]', 'the tenant of this connection, which must be its only one')
    .option('--workspace-id <tenant>', 'this tenant, with all of its connections')
    .option('--dry-run', 'show the plan and do nothing')
    .option('--yes', 'do not ask')
    .option('--wait <seconds>', 'how long to wait for workers to end what they are doing for it', '120')
    .addHelpText(
      'after',
      `
Exit code 0: nothing is left in MongoDB, and nobody is at work who could write it again. 1: that could not be seen; run it again.`,
    )
    .action(async (connectionId: string | undefined, options: PurgeOptions) => {
      await act(async (context) => purge(configured(context), connectionId, options));
    });
}

async function purge(context: ConfiguredContext, connectionId: string | undefined, options: PurgeOptions): Promise<ExitCode> {
  const { output } = context;
  const waitMs = Number(options.wait) * 1000;
  if (!(waitMs >= 1_000 && waitMs <= 3_600_000)) throw usageError('--wait takes a number of seconds from 1 to 3600');
  if ((connectionId === undefined) === (options.workspaceId === undefined)) {
    throw usageError('name a connection, or a tenant with --workspace-id', 'mirror connections list');
  }
  return useMongo(context, async ({ db }) => {
    const store = createConnectionStore(db);
    const tenants = openTenantData(db);
    const workspaceId =
      options.workspaceId === undefined
        ? await tenantOf(store, connectionId ?? '')
        : opaqueId('tenant', '--workspace-id', options.workspaceId);
    const connections = await store.list(workspaceId);
    const before = await tenants.count(workspaceId);
    if (isEmpty(before)) throw new CliError('unknown_tenant', `nothing is known of a tenant ${oneLine(workspaceId)}`);
    const plan: PurgePlan = { workspaceId, connections, documents: before };
    if (options.dryRun === true) {
      output.result(true, { workspaceId, documents: before, erased: null }, (colors) => renderPlan(plan, colors));
      return exitCode.ok;
    }
    if (options.yes !== true) {
      output.plan((colors) => renderPlan(plan, colors));
      const question = `Erase the tenant ${oneLine(workspaceId)}? It cannot be undone.`;
      await confirm(context, { yes: options.yes, command: 'purge', question, done: 'erased' });
    }

    await tenants.silence(workspaceId, 'purged by an operator');
    await createConnectionNotices(db).bar(connections.filter(({ token }) => token === null));
    output.note('its connections are deleted, its content is gone; waiting for whoever is still at work for it');
    await nobodyAtWork(context, workspaceId, waitMs);
    const erased = await eraseForGood(tenants, workspaceId, context.signal);
    const receipt: Receipt = {
      workspaceId,
      connections: connections.map((connection) => connection.connectionId),
      erased: sum([before, erased]),
      erasedAt: new Date(),
      agesOut: await agingOut(context),
    };
    output.result(true, receiptJson(receipt), (colors) => renderReceipt(receipt, colors));
    return exitCode.ok;
  });
}

async function tenantOf(store: ReturnType<typeof createConnectionStore>, connectionId: string): Promise<string> {
  const connection = await store.get(connectionId);
  if (connection === null) {
    throw new CliError('unknown_connection', `there is no connection ${oneLine(connectionId)}`, { remedy: 'mirror connections list' });
  }
  const { workspaceId } = connection;
  const others = (await store.list(workspaceId)).filter((other) => other.connectionId !== connectionId && other.status !== 'deleted');
  if (others.length > 0) {
    const message = `the tenant ${oneLine(workspaceId)} has ${count(others.length, 'other connection')}, and its documents are theirs too`;
    throw new CliError('not_alone', message, {
      remedy: `mirror connections remove ${oneLine(connectionId)} ends this one; purge --workspace-id ${oneLine(workspaceId)} erases all`,
    });
  }
  return workspaceId;
}

/**
 * Resolves when no worker can be at work for the tenant: all know that its connections are deleted, and both groups have committed past what
 * was on the log by then. Who is at work on a record has not committed it.
 */
async function nobodyAtWork(context: ConfiguredContext, workspaceId: string, waitMs: number): Promise<void> {
  const { config, signal } = context;
  const deadline = Date.now() + waitMs;
  await delay(heardMs, undefined, { signal });
  const { events } = topicsFor(config.topicPrefix);
  const groups = (['sync-worker', 'delete-worker'] as const).map((worker) => groupIdFor(config.topicPrefix, worker));
  await withAdmin(kafkaOf(context), async (admin) => {
    const ends = await admin.fetchTopicOffsets(events);
    const partition = partitionOfKey(workspaceId, ends.length);
    const end = BigInt(ends.find((one) => one.partition === partition)?.high ?? 0);
    for (const groupId of groups) {
      while (!(await isPast(admin, { groupId, topic: events, partition, end }))) {
        if (Date.now() > deadline) {
          throw new CliError('still_at_work', `${groupId} has not come past what was on the log within ${waitMs / 1000} s`, {
            remedy: 'its content is gone and its connections are deleted; run purge again when `mirror doctor` shows no lag',
          });
        }
        await delay(lookEveryMs, undefined, { signal });
      }
    }
  });
}

async function isPast(
  admin: Admin,
  { groupId, topic, partition, end }: { groupId: string; topic: string; partition: number; end: bigint },
): Promise<boolean> {
  const { groups } = await admin.describeGroups([groupId]);
  // Nobody runs, so nobody is at work.
  if (groups.every(({ members }) => members.length === 0)) return true;
  const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return BigInt(offsets?.partitions.find((one) => one.partition === partition)?.offset ?? -1) >= end;
}

/** Erases, and looks again until nothing has come back for a while. Resolves to what came after the plan was made. */
async function eraseForGood(tenants: TenantData, workspaceId: string, signal: AbortSignal): Promise<TenantCounts> {
  await tenants.erase(workspaceId);
  const late: TenantCounts[] = [];
  for (let quiet = 0; quiet < quietLooks;) {
    await delay(lookEveryMs, undefined, { signal });
    const found = await tenants.erase(workspaceId);
    late.push(found);
    quiet = isEmpty(found) ? quiet + 1 : 0;
  }
  await tenants.eraseConnections(workspaceId);
  const left = await tenants.count(workspaceId);
  if (!isEmpty(left)) throw new CliError('came_back', 'documents of the tenant came back while it was erased', { remedy: 'run it again' });
  return sum(late);
}

async function agingOut(context: ConfiguredContext): Promise<Receipt['agesOut']> {
  const { events, deadLetters, states } = topicsFor(context.config.topicPrefix);
  const retention = await retentionOf(kafkaOf(context), [events, deadLetters, states]);
  const at = (topic: string) => {
    const ms = retention.get(topic);
    return ms === undefined || ms === null ? null : new Date(Date.now() + ms);
  };
  return [
    { what: 'events: ids, types and times, no content', where: `topic ${events}`, at: at(events) },
    { what: 'documents as they were, in front of the nulls that now follow', where: `topic ${states}`, at: at(states) },
    { what: 'dead letters, among them unreadable webhooks as they came', where: `topic ${deadLetters}`, at: at(deadLetters) },
    {
      what: 'ids of webhooks that come late and are for nobody',
      where: 'collection event_outcomes',
      at: new Date(Date.now() + context.config.outcomeRetentionSeconds * 1000),
    },
    {
      what: "the connections' ids, so that a late webhook does not bring them back",
      where: 'collection connection_notices',
      at: new Date(Date.now() + 30 * 24 * 60 * 60 * 1000),
    },
  ];
}

function isEmpty(counts: TenantCounts): boolean {
  return Object.values(counts).every((number) => number === 0);
}

function sum(all: readonly TenantCounts[]): TenantCounts {
  const total: Record<string, number> = {};
  for (const counts of all) for (const [name, number] of Object.entries(counts)) total[name] = (total[name] ?? 0) + number;
  return total;
}
