import { randomUUID } from 'node:crypto';
import type { Customer } from '@notion-mirror/demo/customers';
import type { System } from '@notion-mirror/demo/system';
import type { Document } from 'mongodb';

/**
 * Adds `count` tenants to the swept ones, each with a connection of its own and not due to be compared with Notion. Neither Nango nor Notion knows them, so no
 * event may name one.
 */
export async function cloneTenants({ db }: System, [model]: readonly Customer[], count: number): Promise<void> {
  const connections = db.collection<Document & { _id: string }>('connections');
  const sweeps = db.collection<Document & { _id: string }>('sweeps');
  const connection = await connections.findOne({ _id: model?.connectionId ?? '' });
  const sweep = await sweeps.findOne({ _id: model?.workspaceId ?? '' });
  if (connection === null || sweep === null) throw new Error('there is no tenant to clone');
  for (let from = 0; from < count; from += 1_000) {
    const ids = Array.from({ length: Math.min(1_000, count - from) }, (_, n) => `clone-${from + n}`);
    // Sweeps first: a worker that sees the connection must find its tenant swept.
    await sweeps.insertMany(ids.map((_id) => ({ ...sweep, _id })));
    await connections.insertMany(
      ids.map((id) => ({ ...connection, _id: `${id}-connection`, workspaceId: id, notionWorkspaceId: randomUUID() })),
    );
  }
}
