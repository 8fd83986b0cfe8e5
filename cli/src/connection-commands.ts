import { Option, type Command as Program } from 'commander';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { recordAction, type ActionOrder } from '@notion-mirror/operations/audit/record-action';
import { addConnection, noEncryptionKey } from '@notion-mirror/operations/connections/add-connection';
import { pauseConnection, removeConnection, resumeConnection, type Changed } from '@notion-mirror/operations/connections/change-status';
import { useMongo } from '@notion-mirror/operations/servers';
import { oneLine } from '@notion-mirror/operations/text';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { confirm } from './confirm.ts';
import { connectionJson, leftJson } from '@notion-mirror/operations/connections/connection-json';
import { renderConnection, renderConnections, renderLeft } from './connection-view.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import { notionIdOption, opaqueId } from './option-values.ts';
import { addPurgeCommand } from './purge-command.ts';
import { readToken } from './read-token.ts';
import { reasonFlag, reasonOption, type ReasonOptions } from './reason-option.ts';

interface AddOptions extends ReasonOptions {
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
    .description("manages customers' grants: which workspaces are mirrored, for which tenant, with which token");

  connections
    .command('add')
    .description('adds a connection; for an existing one, changes the given fields, keeps the rest, and makes it active')
    .argument('<connectionId>', "Nango's id of the connection, or your own name for one with a stored token")
    .option('--provider-config-key <key>', "Nango's id of the integration (default: notion)")
    .option('--workspace-id <tenant>', 'your id of the tenant, without `:` (default: the Notion workspace id)')
    .option('--notion-workspace-id <id>', 'the Notion workspace: an id or a URL (default: ask Nango, or Notion with the token)')
    .option('--bot-id <id>', "the grant's bot in Notion: databases the bot can read are fetched through this connection first")
    .option('--token-file <file>', 'store this Notion token, encrypted with MIRROR_ENCRYPTION_KEY; - reads stdin (default: Nango holds it)')
    .option('--forget-token', 'erase the stored token: Nango holds it from now on')
    .addOption(new Option('--token [token]').hideHelp())
    .addOption(reasonFlag())
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
    .description('lists all connections, or those of one tenant, and new ones at Nango that need your decision')
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
    .description('stops mirroring a connection until it is resumed')
    .argument('<connectionId>')
    .option('--reason <text>', 'the reason, shown in the list, and in the audit trail: see `mirror audit list`')
    .action(async (connectionId: string, options: ReasonOptions) => {
      await act(async (context) => {
        const reason = reasonOption(options);
        const why = reason === null ? 'paused by an operator' : oneLine(reason);
        return change(
          configured(context),
          { action: 'connections.pause', connectionId, reason },
          async (db) => pauseConnection(db, connectionId, why),
          'Nothing is fetched and new webhooks are ignored until `mirror connections resume`; a comparison then finds what changed.',
        );
      });
    });

  connections
    .command('resume')
    .description('resumes a connection after a pause, or after Notion refused its token')
    .argument('<connectionId>')
    .addOption(reasonFlag())
    .action(async (connectionId: string, options: ReasonOptions) => {
      await act(async (context) =>
        change(
          configured(context),
          { action: 'connections.resume', connectionId, reason: reasonOption(options) },
          async (db) => resumeConnection(db, connectionId),
          'Changes made meanwhile are fetched now.',
        ),
      );
    });

  connections
    .command('remove')
    .description('removes a connection: status deleted, its token erased; the documents of its databases stay')
    .argument('<connectionId>')
    .option('--yes', 'do not ask')
    .addOption(reasonFlag())
    .action(async (connectionId: string, { yes, ...options }: ReasonOptions & { readonly yes?: boolean }) => {
      await act(async (context) => {
        const configuredContext = configured(context);
        const reason = reasonOption(options);
        const question = `Remove the connection ${oneLine(connectionId)} and erase its token?`;
        await confirm(context, { yes, command: 'remove', question, done: 'removed' });
        return change(
          configuredContext,
          { action: 'connections.remove', connectionId, reason },
          async (db) => removeConnection(db, connectionId),
          'Its token is erased. The documents of its databases stay in MongoDB.',
        );
      });
    });

  addPurgeCommand(connections, act);
}

/** Changes a connection's status and reports the change with its consequence. */
async function change(
  context: ConfiguredContext,
  { action, connectionId, reason }: Pick<ActionOrder, 'action' | 'reason'> & { readonly connectionId: string },
  make: (db: Mongo['db']) => Promise<Changed>,
  consequence: string,
): Promise<ExitCode> {
  const { kind, connection } = await useMongo(context, async ({ db }) => {
    const known = await createConnectionStore(db).get(connectionId);
    const order = { action, workspaceId: known?.workspaceId ?? null, target: { connectionId }, reason };
    return recordAction(context, db, order, async (notes) => {
      const changed = await make(db);
      notes.counts = { changed: changed.kind === 'unchanged' ? 0 : 1 };
      return changed;
    });
  });
  context.output.result(true, { outcome: kind, connection: connectionJson(connection) }, (colors) => {
    const line = renderConnection(connection, colors);
    return kind === 'unchanged' ? `${line}\nIt was ${connection.status} already: nothing changed.` : `${line}\n${consequence}`;
  });
  return exitCode.ok;
}

async function add(context: ConfiguredContext, connectionId: string, options: AddOptions): Promise<ExitCode> {
  const { config, output, stdin } = context;
  const reason = reasonOption(options);
  if (options.token !== undefined) {
    throw usageError(
      'a token is not taken from the command line, where others can see it',
      'use --token-file <file>, or --token-file - for stdin',
    );
  }
  if (options.forgetToken === true && options.tokenFile !== undefined)
    throw usageError('--forget-token and --token-file exclude each other');
  const given = {
    connectionId: opaqueId('connection', '<connectionId>', connectionId),
    providerConfigKey: options.providerConfigKey ?? null,
    workspaceId: options.workspaceId === undefined ? null : opaqueId('tenant', '--workspace-id', options.workspaceId),
    notionWorkspaceId: notionIdOption('--notion-workspace-id', options.notionWorkspaceId),
    botId: notionIdOption('--bot-id', options.botId),
  };
  // Checked before a secret is read in vain.
  if (options.tokenFile !== undefined && config.encryptionKey === null) throw noEncryptionKey();
  const token =
    options.tokenFile === undefined
      ? ({ kind: options.forgetToken === true ? 'forget' : 'keep' } as const)
      : ({ kind: 'store', token: await readToken(options.tokenFile, stdin) } as const);

  const { connection, previous } = await useMongo(context, async ({ db }) => {
    const known = await createConnectionStore(db).get(given.connectionId);
    const workspaceId = known?.workspaceId ?? given.workspaceId;
    const target = { connectionId: given.connectionId, token: token.kind };
    return recordAction(context, db, { action: 'connections.add', workspaceId, target, reason }, async (notes) => {
      const added = await addConnection(context, db, { ...given, token });
      notes.workspaceId = added.connection.workspaceId;
      notes.counts = added.previous === null ? { added: 1 } : { updated: 1 };
      return added;
    });
  });
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
}
