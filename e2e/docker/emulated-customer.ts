import { startNangoEmulator } from '@notion-mirror/emulators/nango/emulator';
import { startNotionEmulator } from '@notion-mirror/emulators/notion/emulator';
import { canListen } from '@notion-mirror/local-stack/ports';
import { docker } from './compose-project.ts';

/** A customer with a Notion workspace, connected through Nango. Both are emulated in this process; containers reach them as `emulators`. */
export interface EmulatedCustomer {
  readonly connectionId: string;
  readonly notionApiUrl: string;
  readonly nangoUrl: string;
  /** Subscribes Nango to Notion's webhooks. The handshake goes to the webhook URL. */
  subscribe(): Promise<void>;
  /** Creates a database that the connection sees, and returns its id. */
  createDatabase(title: string): string;
  renameDatabase(id: string, title: string): Promise<void>;
  trashDatabase(id: string): Promise<void>;
  /** Resolves when every webhook has been answered; rejects if one was refused. */
  webhooksDelivered(): Promise<void>;
  stop(): Promise<void>;
}

export async function startCustomer(options: { signingKey: string; apiKey: string; webhookUrl: string }): Promise<EmulatedCustomer> {
  const host = await addressForContainers();
  const notion = await startNotionEmulator({ host });
  const nango = await startNangoEmulator({
    host,
    signingKey: options.signingKey,
    apiKey: options.apiKey,
    forwardTo: options.webhookUrl,
    sendOnCreation: false,
  });

  const workspace = notion.createWorkspace({ name: 'Acme' });
  const integration = notion.createIntegration();
  const bot = notion.installBot({ workspaceId: workspace.id, integrationId: integration.id });
  const page = notion.createPage({ workspaceId: workspace.id, title: 'Home' });
  notion.share({ botId: bot.id, id: page.id });
  const { connectionId } = nango.createConnection({ accessToken: bot.token, workspaceId: workspace.id, botId: bot.id });

  const patch = async (id: string, change: unknown) => {
    const response = await fetch(`${notion.url}/v1/databases/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${workspace.owner.token}`, 'notion-version': '2025-09-03', 'content-type': 'application/json' },
      body: JSON.stringify(change),
    });
    if (!response.ok) throw new Error(`Notion answered ${response.status}: ${await response.text()}`);
  };

  return {
    connectionId,
    notionApiUrl: `http://emulators:${notion.port}`,
    nangoUrl: `http://emulators:${nango.port}`,
    subscribe: async () => {
      const { verificationToken } = await notion.subscribe({ integrationId: integration.id, url: nango.webhookUrl() });
      nango.setWebhookSecret({ webhookSecret: verificationToken });
    },
    createDatabase: (title) => notion.createDatabase({ workspaceId: workspace.id, title, parent: { type: 'page', id: page.id } }).id,
    renameDatabase: (id, title) => patch(id, { title: [{ type: 'text', text: { content: title } }] }),
    trashDatabase: (id) => patch(id, { in_trash: true }),
    webhooksDelivered: async () => {
      await notion.settle();
      await nango.settle();
      const refused = nango.deliveries().filter(({ state }) => state !== 'delivered');
      if (refused.length > 0) throw new Error(`${refused.length} webhooks were refused: ${JSON.stringify(refused[0])}`);
    },
    stop: async () => {
      await Promise.all([notion.stop(), nango.stop()]);
    },
  };
}

/** The address behind `host-gateway`: Docker's bridge on this machine, or loopback where there is none (Docker in a virtual machine). */
async function addressForContainers(): Promise<string> {
  const [config = ''] = (
    await docker(['network', 'inspect', 'bridge', '--format', '{{range .IPAM.Config}}{{.Gateway}} {{.Subnet}}\n{{end}}'])
  ).split('\n');
  const [gateway = '', subnet = ''] = config.split(' ');
  // Not every engine names the gateway, which is the first address. This machine's interface list does not help: it omits the bridge while no
  // container uses it.
  const address = gateway === '' ? subnet.replace(/\.0\/\d+$/, '.1') : gateway;
  return (await canListen(address, 0)) ? address : '127.0.0.1';
}
