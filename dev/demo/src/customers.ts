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
  /** What the mirror will show of it. */
  readonly about: 'databases' | 'rows';
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

/** A small life of three customers: their databases, and the rows in them, appear, change, move, vanish and come back. */
export function* lifeOf(acme: Customer, globex: Customer, initech: Customer): Generator<Action, void, void> {
  let tasks = { databaseId: '', dataSourceId: '' };
  let clients = { databaseId: '', dataSourceId: '' };
  let reports = { databaseId: '', dataSourceId: '' };
  let scratch = { databaseId: '', dataSourceId: '' };
  let formerClients = '';
  const rows = { trip: '', map: '', vandelay: '' };
  const make = (customer: Customer, name: string, properties: Record<string, unknown>) =>
    customer.user.createDatabase(customer.pages.home, name, { ...title, ...properties });
  const databases = (customer: Customer, says: string, act: () => Promise<unknown>): Action => ({
    customer,
    says,
    about: 'databases',
    act: async () => void (await act()),
  });
  const onRows = (customer: Customer, says: string, act: () => Promise<unknown>): Action => ({
    customer,
    says,
    about: 'rows',
    act: async () => void (await act()),
  });

  yield databases(acme, 'creates the database “Tasks”', async () => (tasks = await make(acme, 'Tasks', {})));
  yield databases(
    globex,
    'creates the database “Clients”',
    async () => (clients = await make(globex, 'Clients', { Mail: { email: {} }, Kind: { select: { options: [{ name: 'Lead' }] } } })),
  );
  yield databases(
    initech,
    'creates the database “TPS reports”',
    async () => (reports = await make(initech, 'TPS reports', { Due: { date: {} } })),
  );
  yield databases(acme, 'adds the properties “Status” and “$ a.b 💸” to “Tasks”', () =>
    acme.user.editDataSource(tasks.dataSourceId, { properties: { Status: status, '$ a.b 💸': { number: { format: 'euro' } } } }),
  );
  yield onRows(acme, 'adds the rows “Plan the trip” and “Buy a map”', async () => {
    rows.trip = await acme.user.addRow(tasks.dataSourceId, 'Plan the trip', { Status: { select: { name: 'Open' } } });
    rows.map = await acme.user.addRow(tasks.dataSourceId, 'Buy a map');
  });
  yield databases(
    globex,
    'adds a second data source to “Clients”',
    async () => (formerClients = await globex.user.addDataSource(clients.databaseId, 'Former clients', title)),
  );
  yield onRows(acme, 'finishes “Plan the trip”', () =>
    acme.user.editRow(rows.trip, { properties: { Status: { select: { name: 'Done' } }, '$ a.b 💸': { number: 12.5 } } }),
  );
  yield onRows(globex, 'adds the rows “Initrode” and “Vandelay”', async () => {
    await globex.user.addRow(clients.dataSourceId, 'Initrode', { Kind: { select: { name: 'Lead' } } });
    rows.vandelay = await globex.user.addRow(clients.dataSourceId, 'Vandelay', { Mail: { email: 'art@vandelay.example' } });
  });
  yield onRows(initech, 'adds the rows “Week 1” and “Week 2”', async () => {
    for (const week of ['Week 1', 'Week 2']) await initech.user.addRow(reports.dataSourceId, week);
  });
  yield databases(initech, 'moves “TPS reports” to the trash', () => initech.user.editDatabase(reports.databaseId, { in_trash: true }));
  yield databases(acme, 'renames “Tasks” to “Roadmap 🚀” and moves it to the page Archive', () =>
    acme.user.editDatabase(tasks.databaseId, {
      title: richText('Roadmap 🚀'),
      parent: { type: 'page_id', page_id: acme.pages.archive },
    }),
  );
  yield onRows(globex, 'moves “Vandelay” to “Former clients”', () => globex.user.moveRow(rows.vandelay, formerClients));
  yield onRows(acme, 'moves “Buy a map” to the trash', () => acme.user.editRow(rows.map, { in_trash: true }));
  yield databases(globex, 'creates the database “Scratch”', async () => (scratch = await make(globex, 'Scratch', {})));
  yield databases(initech, 'restores “TPS reports”', () => initech.user.editDatabase(reports.databaseId, { in_trash: false }));
  yield onRows(acme, 'restores “Buy a map”', () => acme.user.editRow(rows.map, { in_trash: false }));
  yield databases(globex, 'moves “Scratch” to the trash', () => globex.user.editDatabase(scratch.databaseId, { in_trash: true }));
  yield databases(acme, 'describes and locks “Roadmap 🚀”', () =>
    acme.user.editDatabase(tasks.databaseId, { description: richText('What we will do next.'), is_locked: true }),
  );
  yield onRows(globex, 'renames the option “Lead” to “Prospect”, which no webhook says of “Initrode”', () =>
    globex.user.renameOption(clients.dataSourceId, 'Kind', 'Lead', 'Prospect'),
  );
  yield databases(initech, 'removes the property “Due” from “TPS reports”', () =>
    initech.user.editDataSource(reports.dataSourceId, { properties: { Due: null } }),
  );
}
