import { Client, LogLevel } from '@notionhq/client';
import type { NotionEmulator } from '../src/notion/emulator.ts';

/** The real Notion client, configured like the product's: without its own retries. */
export function notionClient(emulator: Pick<NotionEmulator, 'url'>, token: string): Client {
  return new Client({ auth: token, baseUrl: emulator.url, retry: false, logLevel: LogLevel.ERROR });
}

/** A workspace with a page shared with one bot of an integration, and a client each for owner and bot. */
export function newWorkspace(emulator: NotionEmulator, type: 'public' | 'internal' = 'public') {
  const { id: workspaceId, owner } = emulator.createWorkspace({ name: 'Quantify Labs' });
  const integration = emulator.createIntegration({ name: 'My Integration', type });
  const bot = emulator.installBot({ workspaceId, integrationId: integration.id });
  const page = emulator.createPage({ workspaceId, title: 'Home' });
  emulator.share({ botId: bot.id, id: page.id });
  return {
    workspaceId,
    integrationId: integration.id,
    owner,
    bot,
    pageId: page.id,
    asOwner: notionClient(emulator, owner.token),
    asBot: notionClient(emulator, bot.token),
  };
}

/** The promise's rejection. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('It did not reject.');
    },
    (error: unknown) => error,
  );
}
