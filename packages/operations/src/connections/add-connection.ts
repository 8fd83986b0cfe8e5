import type { Connection } from '@notion-mirror/domain/connection';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { encryptToken } from '@notion-mirror/mirror-store/token-cipher';
import type { OperationContext } from '../operation-context.ts';
import { OperatorError } from '../operator-error.ts';
import { oneLine } from '../text.ts';
import { grantAtNango, grantOfToken, type Grant } from './grant-lookup.ts';

/** Null: not given; a known connection keeps its value. */
export interface ConnectionOrder {
  readonly connectionId: string;
  readonly providerConfigKey: string | null;
  readonly workspaceId: string | null;
  readonly notionWorkspaceId: string | null;
  readonly botId: string | null;
  /** A Notion token to store encrypted; `forget`: erase the stored one. */
  readonly token: { readonly kind: 'keep' } | { readonly kind: 'forget' } | { readonly kind: 'store'; readonly token: string };
}

export interface AddedConnection {
  readonly connection: Connection;
  /** The connection before the change; null: it is new. */
  readonly previous: Connection | null;
}

/**
 * Adds a connection, or changes the given fields of a known one, and makes it active. Asks Nango, or Notion with the token, for the Notion
 * workspace when it is not given. Rejects with an OperatorError.
 */
export async function addConnection(context: OperationContext, db: Mongo['db'], order: ConnectionOrder): Promise<AddedConnection> {
  const { connectionId, workspaceId } = order;
  const stored = encrypted(context, order);
  const store = createConnectionStore(db);
  const known = await store.get(connectionId);
  const providerConfigKey = order.providerConfigKey ?? known?.providerConfigKey ?? 'notion';
  // Another integration may use the same id for another customer, so known values are kept only for the same tenant.
  const mayBeAnother = known !== null && known.providerConfigKey !== providerConfigKey && workspaceId === null;
  const grant = order.notionWorkspaceId ?? (mayBeAnother ? undefined : known?.notionWorkspaceId);
  const found =
    grant === undefined
      ? await lookUp(context, { connectionId, providerConfigKey, token: order.token.kind === 'store' ? order.token.token : null })
      : { notionWorkspaceId: grant, botId: sameWorkspace(known, grant) ? (known?.botId ?? null) : null };
  const isAnother = mayBeAnother && !sameWorkspace(known, found.notionWorkspaceId);
  if (known !== null && isAnother && known.status !== 'deleted') throw takenId(known, providerConfigKey);
  const added = await store.add({
    connectionId,
    providerConfigKey,
    workspaceId: workspaceId ?? (isAnother ? undefined : known?.workspaceId) ?? found.notionWorkspaceId,
    notionWorkspaceId: found.notionWorkspaceId,
    botId: order.botId ?? found.botId,
    token: order.token.kind === 'forget' ? null : (stored ?? known?.token ?? null),
  });
  if (added.kind === 'taken') throw takenId(added.by, providerConfigKey);
  // It may have been left to the operator, who has decided now.
  await createConnectionNotices(db).decide({ connectionId, providerConfigKey });
  return { connection: added.connection, previous: added.previous };
}

function encrypted({ config: { encryptionKey } }: OperationContext, { connectionId, token }: ConnectionOrder): string | null {
  if (token.kind !== 'store') return null;
  if (encryptionKey === null) throw noEncryptionKey();
  return encryptToken(encryptionKey, connectionId, token.token);
}

/** The error for a token that cannot be stored. */
export function noEncryptionKey(): OperatorError {
  return new OperatorError('no_encryption_key', 'a token is stored encrypted only, and MIRROR_ENCRYPTION_KEY is not set', {
    kind: 'bad_configuration',
    remedy: 'export MIRROR_ENCRYPTION_KEY="$(openssl rand -base64 32)", the same for all services, and keep it',
  });
}

/** Nango's connection ids are unique only within an integration, but here one id is one connection. */
function takenId({ connectionId, providerConfigKey, workspaceId }: Connection, wanted: string): OperatorError {
  const id = oneLine(connectionId);
  const owner = `the tenant ${oneLine(workspaceId)}, through the integration ${oneLine(providerConfigKey)}`;
  return new OperatorError('connection_id_taken', `the connection id ${id} is in use for ${owner}: nothing was changed`, {
    remedy: `connect the customer of ${oneLine(wanted)} at Nango under an id of its own; if ${id} of ${oneLine(providerConfigKey)} is no longer used, mirror connections remove ${id} first`,
  });
}

/** A bot belongs to one workspace, so it is dropped when the workspace changes. */
function sameWorkspace(known: Connection | null, notionWorkspaceId: string): boolean {
  return known?.notionWorkspaceId === notionWorkspaceId;
}

async function lookUp(
  { config, signal }: OperationContext,
  connection: { connectionId: string; providerConfigKey: string; token: string | null },
): Promise<Grant> {
  if (connection.token !== null) return grantOfToken(config.notionApiUrl, connection.token, signal);
  const { url, apiKey } = config.nango;
  if (apiKey !== null) return grantAtNango({ url, apiKey }, connection, signal);
  throw new OperatorError('usage', 'which Notion workspace is it?', {
    kind: 'usage',
    remedy: 'give --notion-workspace-id, or set MIRROR_NANGO_API_KEY and Nango is asked',
  });
}
