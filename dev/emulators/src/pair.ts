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

/** A customer of whoever runs the integration: a Notion workspace with a page that is shared, and one that is not. */
export interface Customer {
  readonly name: string;
  readonly workspaceId: string;
  /** Does through Notion's REST API what the workspace's owner does in Notion. */
  readonly ownerToken: string;
  /** Shared with every connection, with all that comes to lie under it. */
  readonly sharedPageId: string;
  readonly privatePageId: string;
  readonly connections: readonly CustomerConnection[];
}

export interface NewCustomer {
  readonly name: string;
  /** Default: one, with a random id. Several: several people of the workspace authorised. */
  readonly connectionIds?: readonly string[] | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** A Notion and a Nango, wired as in production: Notion's webhooks go to Nango, which verifies and forwards them. */
export interface EmulatorPair {
  readonly notion: NotionEmulator;
  readonly nango: NangoEmulator;
  /** The public Notion integration that customers install through Nango's integration `notion`. */
  readonly integrationId: string;
  readonly subscriptionId: string;
  /** A workspace whose owner (and one more person for each further connection) authorises through Nango. */
  addCustomer(input: NewCustomer): Customer;
  /** One more grant for a customer: sees the shared page. */
  addConnection(
    customer: Pick<Customer, 'workspaceId' | 'sharedPageId' | 'name'>,
    input?: { connectionId?: string | undefined; tags?: NewCustomer['tags'] },
  ): CustomerConnection;
  /** Resolves when no webhook is under way, from Notion to the receiver. */
  settle(input?: { timeoutMs?: number | undefined }): Promise<void>;
  stop(): Promise<void>;
}

export interface EmulatorPairOptions {
  /** Both get the same seed, unless they have their own. */
  readonly seed?: string | number | undefined;
  readonly notion?: NotionEmulatorOptions | undefined;
  /** `nango.forwardTo` is the receiver; the handshake goes there too, unwrapped, as soon as the pair starts. */
  readonly nango?: NangoEmulatorOptions | undefined;
  readonly integrationName?: string | undefined;
  /** Notion's webhooks go to this URL instead of to Nango: a direct subscription, handshake included. */
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
      // What Notion delivered, Nango has taken in: nothing can come after this but its own work.
      await nango.settle(input);
    },
    stop: async () => {
      await notion.stop();
      await nango.stop();
    },
  };
}
