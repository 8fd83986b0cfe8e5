import type { Connection } from '@notion-mirror/domain/connection';
import { z } from 'zod';

/** A connection's document in MongoDB. An operator may have edited it by hand. */
export interface ConnectionDocument extends Omit<Connection, 'connectionId'> {
  readonly _id: string;
}

const fields = z.object({
  _id: z.string(),
  providerConfigKey: z.string(),
  workspaceId: z.string(),
  notionWorkspaceId: z.string(),
  botId: z.string().nullish(),
  status: z.enum(['active', 'paused', 'unauthorized', 'deleted']),
  statusReason: z.string().nullish(),
  token: z.string().nullish(),
  createdAt: z.date(),
  updatedAt: z.date(),
});

export type ParsedConnection = { readonly ok: true; readonly connection: Connection } | { readonly ok: false; readonly problem: string };

/** `problem` names fields, never values. */
export function parseConnection(document: unknown): ParsedConnection {
  const found = fields.safeParse(document);
  if (!found.success) return { ok: false, problem: found.error.issues.map(({ path, code }) => `${path.join('.')}: ${code}`).join(', ') };
  const { _id, botId, statusReason, token, ...rest } = found.data;
  return {
    ok: true,
    connection: { connectionId: _id, ...rest, botId: botId ?? null, statusReason: statusReason ?? null, token: token ?? null },
  };
}

/** Throws when the document is invalid. */
export function toConnection(document: ConnectionDocument): Connection {
  const parsed = parseConnection(document);
  if (!parsed.ok) throw new Error(`the connection ${document._id} is not as this program writes it (${parsed.problem})`);
  return parsed.connection;
}
