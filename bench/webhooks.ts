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

/** A signed Notion webhook as Nango forwards it, about 1 KB, with new ids each time. */
export function signedWebhook(sender: Sender, signingKey: string, databaseId: string = randomUUID()): SignedWebhook {
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
      entity: { id: databaseId, type: 'database' },
      type: 'database.content_updated',
      data: { parent: { id: randomUUID(), type: 'page' }, updated_blocks: [{ id: randomUUID(), type: 'child_database' }] },
    },
  });
  return { eventId, body, headers: { 'content-type': 'application/json', 'x-nango-hmac-sha256': nangoHmac(signingKey, body) } };
}
