import { randomUUID } from 'node:crypto';
import { nangoHmac } from '@notion-mirror/emulators/signatures';
import { stableStringify } from '@notion-mirror/emulators/stable-json';

export interface SignedWebhook {
  readonly eventId: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Sender {
  readonly connectionId: string;
  readonly notionWorkspaceId: string;
  readonly botId: string;
}

/** What a webhook is about: a database, or a row in it. */
export interface Subject {
  readonly databaseId: string;
  readonly row?: { readonly pageId: string; readonly dataSourceId: string } | undefined;
}

/** A signed Notion webhook as Nango forwards it, about 1 KB, with new ids each time. */
export function signedWebhook(sender: Sender, signingKey: string, subject: Subject = { databaseId: randomUUID() }): SignedWebhook {
  const eventId = randomUUID();
  const body = stableStringify({
    connectionId: sender.connectionId,
    from: 'notion',
    providerConfigKey: 'notion',
    type: 'forward',
    payload: {
      id: eventId,
      timestamp: new Date().toISOString(),
      workspace_id: sender.notionWorkspaceId,
      workspace_name: 'A workspace of the benchmark',
      subscription_id: randomUUID(),
      integration_id: randomUUID(),
      authors: [{ id: randomUUID(), type: 'person' }],
      accessible_by: [
        { id: randomUUID(), type: 'person' },
        { id: sender.botId, type: 'bot' },
      ],
      attempt_number: 1,
      api_version: '2025-09-03',
      ...changeOf(subject),
    },
  });
  return { eventId, body, headers: { 'content-type': 'application/json', 'x-nango-hmac-sha256': nangoHmac(signingKey, body) } };
}

function changeOf({ databaseId, row }: Subject): object {
  if (row === undefined) {
    const data = { parent: { id: randomUUID(), type: 'page' }, updated_blocks: [{ id: randomUUID(), type: 'child_database' }] };
    return { entity: { id: databaseId, type: 'database' }, type: 'database.content_updated', data };
  }
  const parent = { id: databaseId, type: 'database', data_source_id: row.dataSourceId };
  const data = { parent, updated_properties: ['a%3Am'] };
  return { entity: { id: row.pageId, type: 'page' }, type: 'page.properties_updated', data };
}
