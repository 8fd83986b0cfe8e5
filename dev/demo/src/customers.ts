import type { Customer as NotionCustomer, EmulatorPair } from '@notion-mirror/emulators/pair';
import { notionUser, richText, type NotionUser } from './notion-user.ts';

/** A customer: one Notion workspace, a connection in Nango, and our tenant. */
export interface Customer {
  /** Our tenant id. */
  readonly workspaceId: string;
  readonly notionWorkspaceId: string;
  readonly connectionId: string;
  readonly botId: string;
  readonly botToken: string;
  readonly user: NotionUser;
  /** Pages that are shared with the integration; `archive` is in `home`. */
  readonly pages: { readonly home: string; readonly archive: string };
  readonly inNotion: NotionCustomer;
}

/** One thing that a person does in Notion: the words for it, and the calls. */
interface Action {
  readonly customer: Customer;
  readonly says: string;
  readonly act: () => Promise<void>;
}

/** Makes a workspace with two pages and connects it in Nango. */
export function createCustomer(pair: EmulatorPair, workspaceId: string, name: string): Customer {
  const inNotion = pair.addCustomer({ name, connectionIds: [`${workspaceId}-connection`] });
  const [connection] = inNotion.connections;
  if (connection === undefined) throw new Error('the customer has no connection');
  const home = inNotion.sharedPageId;
  const archive = pair.notion.createPage({ workspaceId: inNotion.workspaceId, title: 'Archive', parent: { type: 'page', id: home } });
  return {
    workspaceId,
    notionWorkspaceId: inNotion.workspaceId,
    connectionId: connection.connectionId,
    botId: connection.botId,
    botToken: connection.token,
    user: notionUser(pair.notion.url, inNotion.ownerToken),
    pages: { home, archive: archive.id },
    inNotion,
  };
}

const title = { Name: { title: {} } };
const status = { select: { options: [{ name: 'Open' }, { name: 'Done' }] } };

/** A small life of three customers: their databases appear, change, move, vanish and come back. */
export async function* lifeOf(acme: Customer, globex: Customer, initech: Customer): AsyncGenerator<Action, void, void> {
  let tasks = { databaseId: '', dataSourceId: '' };
  let clients = { databaseId: '', dataSourceId: '' };
  let reports = { databaseId: '', dataSourceId: '' };
  let scratch = { databaseId: '', dataSourceId: '' };
  const make = (customer: Customer, name: string, properties: Record<string, unknown>) =>
    customer.user.createDatabase(customer.pages.home, name, { ...title, ...properties });

  yield { customer: acme, says: 'creates the database “Tasks”', act: async () => void (tasks = await make(acme, 'Tasks', {})) };
  yield {
    customer: globex,
    says: 'creates the database “Clients”',
    act: async () => void (clients = await make(globex, 'Clients', { Mail: { email: {} } })),
  };
  yield {
    customer: initech,
    says: 'creates the database “TPS reports”',
    act: async () => void (reports = await make(initech, 'TPS reports', { Due: { date: {} } })),
  };
  yield {
    customer: acme,
    says: 'adds the properties “Status” and “$ a.b 💸” to “Tasks”',
    act: () => acme.user.editDataSource(tasks.dataSourceId, { properties: { Status: status, '$ a.b 💸': { number: { format: 'euro' } } } }),
  };
  yield {
    customer: globex,
    says: 'adds a second data source to “Clients”',
    act: async () => void (await globex.user.addDataSource(clients.databaseId, 'Former clients', title)),
  };
  yield {
    customer: initech,
    says: 'moves “TPS reports” to the trash',
    act: () => initech.user.editDatabase(reports.databaseId, { in_trash: true }),
  };
  yield {
    customer: acme,
    says: 'renames “Tasks” to “Roadmap 🚀” and moves it to the page Archive',
    act: () =>
      acme.user.editDatabase(tasks.databaseId, {
        title: richText('Roadmap 🚀'),
        parent: { type: 'page_id', page_id: acme.pages.archive },
      }),
  };
  yield { customer: globex, says: 'creates the database “Scratch”', act: async () => void (scratch = await make(globex, 'Scratch', {})) };
  yield {
    customer: initech,
    says: 'restores “TPS reports”',
    act: () => initech.user.editDatabase(reports.databaseId, { in_trash: false }),
  };
  yield {
    customer: globex,
    says: 'moves “Scratch” to the trash',
    act: () => globex.user.editDatabase(scratch.databaseId, { in_trash: true }),
  };
  yield {
    customer: acme,
    says: 'describes and locks “Roadmap 🚀”',
    act: () => acme.user.editDatabase(tasks.databaseId, { description: richText('What we will do next.'), is_locked: true }),
  };
  yield {
    customer: initech,
    says: 'removes the property “Due” from “TPS reports”',
    act: () => initech.user.editDataSource(reports.dataSourceId, { properties: { Due: null } }),
  };
}
