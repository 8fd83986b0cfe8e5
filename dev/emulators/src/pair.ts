import type { NangoEmulator, NangoEmulatorOptions } from './nango/emulator.ts';
import { startNangoEmulator } from './nango/emulator.ts';
import type { NotionEmulator, NotionEmulatorOptions } from './notion/emulator.ts';
import { startNotionEmulator } from './notion/emulator.ts';

/** One grant: a Notion bot and the Nango connection that holds its token. */
export interface CustomerConnection {
  readonly connectionId: string;
  readonly botId: string;
  readonly token: string;
}

/** A customer of the integration: a Notion workspace with one shared page and one private page. */
export interface Customer {
  readonly name: string;
  readonly workspaceId: string;
  /** Performs the workspace owner's actions through Notion's REST API. */
  readonly ownerToken: string;
  /** Shared with every connection, including everything later added under it. */
  readonly sharedPageId: string;
  readonly privatePageId: string;
  readonly connections: readonly CustomerConnection[];
}

export interface NewCustomer {
  readonly name: string;
  /** Default: one, with a random id. With several, several people of the workspace have authorised. */
  readonly connectionIds?: readonly string[] | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** Both emulators, wired as in production: Notion's webhooks go to Nango, which verifies and forwards them. */
export interface EmulatorPair {
  readonly notion: NotionEmulator;
  readonly nango: NangoEmulator;
  /** The public Notion integration that customers install through Nango's integration `notion`. */
  readonly integrationId: string;
  readonly subscriptionId: string;
  /** Adds a workspace whose owner (and one more person per further connection) authorises through Nango. */
  addCustomer(input: NewCustomer): Customer;
  /** Adds a grant for a customer that sees the shared page. */
  addConnection(
    customer: Pick<Customer, 'workspaceId' | 'sharedPageId' | 'name'>,
    input?: { connectionId?: string | undefined; tags?: NewCustomer['tags'] },
  ): CustomerConnection;
  /** Resolves when no webhook is in flight between Notion and the receiver. */
  settle(input?: { timeoutMs?: number | undefined }): Promise<void>;
  stop(): Promise<void>;
}

export interface EmulatorPairOptions {
  /** The seed of both emulators, unless they have their own. */
  readonly seed?: string | number | undefined;
  readonly notion?: NotionEmulatorOptions | undefined;
  /** `nango.forwardTo` is the receiver; the handshake goes there too, unwrapped, as soon as the pair starts. */
  readonly nango?: NangoEmulatorOptions | undefined;
  readonly integrationName?: string | undefined;
  /** Sends Notion's webhooks to this URL instead of to Nango: a direct subscription, handshake included. */
  readonly directTo?: string | undefined;
}

export async function startEmulatorPair({
  seed,
  notion: notionOptions,
  nango: nangoOptions,
  integrationName = 'Notion Mirror',
  directTo,
}: EmulatorPairOptions = {}): Promise<EmulatorPair> {
  const notion = await startNotionEmulator({ ...(seed === undefined ? {} : { seed }), ...notionOptions });
  const nango = await startNangoEmulator({ seed: notion.seed, ...nangoOptions });
  const integration = notion.createIntegration({ name: integrationName, type: 'public' });
  const subscription = await notion.subscribe({ integrationId: integration.id, url: directTo ?? nango.webhookUrl() });
  if (directTo === undefined) nango.setWebhookSecret({ webhookSecret: subscription.verificationToken });

  const addConnection: EmulatorPair['addConnection'] = ({ workspaceId, sharedPageId, name }, { connectionId, tags } = {}) => {
    const isFirst = !nango.connections().some((connection) => connection.workspaceId === workspaceId);
    const owner = isFirst ? {} : { ownerId: notion.createPerson({ workspaceId, name: 'Colleague' }).id };
    const bot = notion.installBot({ workspaceId, integrationId: integration.id, ...owner });
    notion.share({ botId: bot.id, id: sharedPageId });
    const connection = nango.createConnection({
      connectionId,
      accessToken: bot.token,
      workspaceId,
      workspaceName: name,
      botId: bot.id,
      ownerId: bot.ownerId,
      tags,
    });
    return { connectionId: connection.connectionId, botId: bot.id, token: bot.token };
  };

  return {
    notion,
    nango,
    integrationId: integration.id,
    subscriptionId: subscription.id,
    addConnection,
    addCustomer: ({ name, connectionIds = [undefined], tags }) => {
      const { id: workspaceId, owner } = notion.createWorkspace({ name });
      const { id: sharedPageId } = notion.createPage({ workspaceId, title: 'Shared' });
      const { id: privatePageId } = notion.createPage({ workspaceId, title: 'Private' });
      const connections = connectionIds.map((connectionId) => addConnection({ workspaceId, sharedPageId, name }, { connectionId, tags }));
      return { name, workspaceId, ownerToken: owner.token, sharedPageId, privatePageId, connections };
    },
    settle: async (input) => {
      await notion.settle(input);
      // Nango has received everything Notion delivered, so only its own work can remain.
      await nango.settle(input);
    },
    stop: async () => {
      await notion.stop();
      await nango.stop();
    },
  };
}
