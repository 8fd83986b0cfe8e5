import { Option, type Command as Program } from 'commander';
import type { Connection } from '@notion-mirror/domain/connection';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createConnectionStore, type ConnectionStore, type StatusChange } from '@notion-mirror/mirror-store/connection-store';
import { createParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import { encryptToken } from '@notion-mirror/mirror-store/token-cipher';
import { configured, type Act, type CommandContext, type ConfiguredContext } from './command-context.ts';
import { confirm } from './confirm.ts';
import { grantAtNango, grantOfToken, type Grant } from './connection-lookup.ts';
import { connectionJson, leftJson, renderConnection, renderConnections, renderLeft } from './connection-view.ts';
import { CliError, exitCode, usageError, type ExitCode } from './exit-code.ts';
import { notionIdOption, opaqueId } from './id-options.ts';
import { oneLine } from './output.ts';
import { addPurgeCommand } from './purge-command.ts';
import { readToken } from './read-token.ts';
import { useMongo } from './servers.ts';

interface AddOptions {
  readonly providerConfigKey?: string;
  readonly workspaceId?: string;
  readonly notionWorkspaceId?: string;
  readonly botId?: string;
  readonly tokenFile?: string;
  readonly forgetToken?: boolean;
  readonly token?: unknown;
}

export function addConnectionCommands(program: Program, act: Act): void {
  const connections = program
    .command('connections')
    .description("customers' grants: whose databases are mirrored, for which tenant, with whose token");

  connections
    .command('add')
    .description('adds a connection; again: changes what is given, keeps the rest, and makes it active')
    .argument('<connectionId>', "Nango's id of the connection, or a name of yours for one with a stored token")
    .option('--provider-config-key <key>', "Nango's id of the integration (default: notion)")
    .option('--workspace-id <tenant>', 'your id of the tenant, without `:` (default: the Notion workspace id)')
    .option('--notion-workspace-id <id>', 'the Notion workspace: an id or a URL (default: ask Nango, or Notion with the token)')
    .option('--bot-id <id>', "the grant's bot in Notion: its connection is asked first for what the bot can read")
    .option('--token-file <file>', 'store this Notion token, encrypted with MIRROR_ENCRYPTION_KEY; - reads stdin (default: Nango holds it)')
    .option('--forget-token', 'erase the stored token: Nango holds it from now on')
    .addOption(new Option('--token [token]').hideHelp())
    .addHelpText(
      'after',
      `
Examples:
  mirror connections add 4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11 --workspace-id acme
  mirror connections add acme-notion --workspace-id acme --token-file - < token.txt`,
    )
    .action(async (connectionId: string, options: AddOptions) => {
      await act(async (context) => add(configured(context), connectionId, options));
    });

  connections
    .command('list')
    .description('all connections, or those of one tenant; and what is new at Nango and left to you')
    .option('--workspace-id <tenant>', 'only those of this tenant')
    .action(async ({ workspaceId }: { workspaceId?: string }) => {
      await act(async (context) => {
        const [found, left] = await useMongo(configured(context), async ({ db }) =>
          Promise.all([
            createConnectionStore(db).list(workspaceId),
            workspaceId === undefined ? createConnectionNotices(db).leftToOperator() : [],
          ]),
        );
        const json = { connections: found.map(connectionJson), leftToYou: left.map(leftJson) };
        context.output.result(true, json, (colors) => [renderConnections(found, colors), ...renderLeft(left, colors)].join('\n'));
        return exitCode.ok;
      });
    });

  connections
    .command('pause')
    .description('stops mirroring it, until it is resumed')
    .argument('<connectionId>')
    .option('--reason <text>', 'why, for whoever reads the list')
    .action(async (connectionId: string, { reason }: { reason?: string }) => {
      await act(async (context) => {
        const why = reason === undefined ? 'paused by an operator' : oneLine(reason);
        const change = await withStore(configured(context), async (store) => store.pause(connectionId, why));
        return reportChange(
          context,
          connectionId,
          'paused',
          change,
          'Its events wait; nothing of it is fetched until `mirror connections resume`.',
        );
      });
    });

  connections
    .command('resume')
    .description('mirrors it again, after a pause or when Notion refused its token')
    .argument('<connectionId>')
    .action(async (connectionId: string) => {
      await act(async (context) => {
        const change = await withStore(configured(context), async (store) => store.resume(connectionId));
        return reportChange(context, connectionId, 'active', change, 'What changed meanwhile is fetched now.');
      });
    });

  connections
    .command('remove')
    .description('ends it: status deleted, its token erased; the documents of its databases stay')
    .argument('<connectionId>')
    .option('--yes', 'do not ask')
    .action(async (connectionId: string, { yes }: { yes?: boolean }) => {
      await act(async (context) => {
        const configuredContext = configured(context);
        const question = `Remove the connection ${oneLine(connectionId)} and erase its token?`;
        await confirm(context, { yes, command: 'remove', question, done: 'removed' });
        const change = await useMongo(configuredContext, async ({ db }) => remove(db, connectionId));
        return reportChange(
          context,
          connectionId,
          'deleted',
          change,
          'Its token is erased. The documents of its databases stay in MongoDB.',
        );
      });
    });

  addPurgeCommand(connections, act);
}

/** With a tenant's last connection go the events that waited for it. */
async function remove(db: Mongo['db'], connectionId: string): Promise<StatusChange> {
  const store = createConnectionStore(db);
  const change = await store.remove(connectionId, 'removed by an operator');
  if (change.kind === 'not_found') return change;
  const { workspaceId } = change.connection;
  const left = await store.list(workspaceId);
  if (left.every(({ status }) => status === 'deleted')) await createParkedEvents(db).discard(workspaceId);
  return change;
}

async function withStore<T>(context: ConfiguredContext, use: (store: ConnectionStore) => Promise<T>): Promise<T> {
  return useMongo(context, async ({ db }) => use(createConnectionStore(db)));
}

async function add(context: ConfiguredContext, connectionId: string, options: AddOptions): Promise<ExitCode> {
  const { config, output, stdin } = context;
  if (options.token !== undefined) {
    throw usageError(
      'a token is not taken from the command line, where others can see it',
      'use --token-file <file>, or --token-file - for stdin',
    );
  }
  if (options.forgetToken === true && options.tokenFile !== undefined)
    throw usageError('--forget-token and --token-file exclude each other');
  opaqueId('connection', '<connectionId>', connectionId);
  const given = {
    workspaceId: options.workspaceId === undefined ? null : opaqueId('tenant', '--workspace-id', options.workspaceId),
    notionWorkspaceId: notionIdOption('--notion-workspace-id', options.notionWorkspaceId),
    botId: notionIdOption('--bot-id', options.botId),
  };
  const { encryptionKey } = config;
  if (options.tokenFile !== undefined && encryptionKey === null) {
    throw new CliError('no_encryption_key', 'a token is stored encrypted only, and MIRROR_ENCRYPTION_KEY is not set', {
      exitCode: exitCode.badConfiguration,
      remedy: 'export MIRROR_ENCRYPTION_KEY="$(openssl rand -base64 32)", the same for all services, and keep it',
    });
  }
  const token = options.tokenFile === undefined ? null : await readToken(options.tokenFile, stdin);
  const stored = token === null || encryptionKey === null ? null : encryptToken(encryptionKey, connectionId, token);

  return withStore(context, async (store) => {
    const known = await store.get(connectionId);
    const providerConfigKey = options.providerConfigKey ?? known?.providerConfigKey ?? 'notion';
    // Another integration may use the same id for another customer: what is known stands only for the tenant that the operator names.
    const mayBeAnother = known !== null && known.providerConfigKey !== providerConfigKey && given.workspaceId === null;
    const grant = given.notionWorkspaceId ?? (mayBeAnother ? undefined : known?.notionWorkspaceId);
    const found =
      grant === undefined
        ? await lookUp(context, { connectionId, providerConfigKey, token })
        : { notionWorkspaceId: grant, botId: sameWorkspace(known, grant) ? (known?.botId ?? null) : null };
    const isAnother = mayBeAnother && !sameWorkspace(known, found.notionWorkspaceId);
    if (known !== null && isAnother && known.status !== 'deleted') throw takenId(known, providerConfigKey);
    const added = await store.add({
      connectionId,
      providerConfigKey,
      workspaceId: given.workspaceId ?? (isAnother ? undefined : known?.workspaceId) ?? found.notionWorkspaceId,
      notionWorkspaceId: found.notionWorkspaceId,
      botId: given.botId ?? found.botId,
      token: options.forgetToken === true ? null : (stored ?? known?.token ?? null),
    });
    if (added.kind === 'taken') throw takenId(added.by, providerConfigKey);
    const { connection, previous } = added;
    if (previous !== null && previous.workspaceId !== connection.workspaceId) {
      output.warning(
        `the connection moved from tenant ${oneLine(previous.workspaceId)} to ${oneLine(connection.workspaceId)}; the documents of the former stay with it`,
      );
    }
    if (connection.token === null && config.nango.apiKey === null) {
      output.warning('Nango holds its token, and MIRROR_NANGO_API_KEY is not set here; the sync-worker needs it');
    }
    const outcome = previous === null ? 'added' : 'updated';
    output.result(
      true,
      { outcome, connection: connectionJson(connection) },
      (colors) => `${colors.green(outcome)} ${renderConnection(connection, colors)}`,
    );
    return exitCode.ok;
  });
}

/** Nango's connection ids are unique within an integration only, and here one id is one connection. */
function takenId({ connectionId, providerConfigKey, workspaceId }: Connection, wanted: string): CliError {
  const id = oneLine(connectionId);
  const owner = `the tenant ${oneLine(workspaceId)}, through the integration ${oneLine(providerConfigKey)}`;
  return new CliError('connection_id_taken', `the connection id ${id} is in use for ${owner}: nothing was changed`, {
    remedy: `connect the customer of ${oneLine(wanted)} at Nango under an id of its own; if ${id} of ${oneLine(providerConfigKey)} is no longer used, mirror connections remove ${id} first`,
  });
}

/** A bot belongs to one workspace: it is forgotten with it. */
function sameWorkspace(known: Connection | null, notionWorkspaceId: string): boolean {
  return known?.notionWorkspaceId === notionWorkspaceId;
}

async function lookUp(
  { config, signal }: ConfiguredContext,
  connection: { connectionId: string; providerConfigKey: string; token: string | null },
): Promise<Grant> {
  if (connection.token !== null) return grantOfToken(config.notionApiUrl, connection.token, signal);
  const { url, apiKey } = config.nango;
  if (apiKey !== null) return grantAtNango({ url, apiKey }, connection, signal);
  throw usageError('which Notion workspace is it?', 'give --notion-workspace-id, or set MIRROR_NANGO_API_KEY and Nango is asked');
}

function reportChange(
  { output }: CommandContext,
  connectionId: string,
  wanted: Connection['status'],
  change: StatusChange,
  consequence: string,
): ExitCode {
  if (change.kind === 'not_found') {
    throw new CliError('unknown_connection', `there is no connection ${oneLine(connectionId)}`, { remedy: 'mirror connections list' });
  }
  const { kind, connection } = change;
  if (connection.status !== wanted) {
    throw new CliError('not_possible', `the connection ${oneLine(connectionId)} is ${connection.status}, and its token is erased`, {
      remedy: `mirror connections add ${oneLine(connectionId)} … makes it active again`,
    });
  }
  output.result(true, { outcome: kind, connection: connectionJson(connection) }, (colors) => {
    const line = renderConnection(connection, colors);
    return kind === 'unchanged' ? `${line}\nIt was ${wanted} already: nothing changed.` : `${line}\n${consequence}`;
  });
  return exitCode.ok;
}
