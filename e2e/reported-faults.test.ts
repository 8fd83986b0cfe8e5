import { connectionOptions } from '@notion-mirror/demo/system';
import type { Customer } from '@notion-mirror/demo/customers';
import { richText } from '@notion-mirror/demo/notion-user';
import type { FaultInput } from '@notion-mirror/emulators/http/faults';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';
import { waitUntil } from './wait-until.ts';

/** Faults that users of similar systems have reported, replayed on the whole system. Each test names what went wrong here. */

let scene: Scene;

beforeAll(async () => {
  scene = await setScene('reported', { env: { MIRROR_NOTION_REQUESTS_PER_MINUTE: '20000' } });
  await scene.startAll();
});
afterEach(() => {
  scene.notion.faults.clear();
  webhooks(0);
});
afterAll(() => scene.end());

const properties = { Name: { title: {} } };
const webhooks = (dropped: number) => scene.notion.settings.change({ delivery: { dropProbability: dropped } });
const view = (databaseId: string) => scene.db.collection('databases').findOne({ databaseId });
const deadLetters = (workspaceId: string) =>
  scene.lines.filter((line) => line['outcome'] === 'dead_letter' && line['workspaceId'] === workspaceId);
const outcomes = (databaseId: string) => scene.lines.filter((line) => line['databaseId'] === databaseId && line.outcome !== undefined);

/** Notion answers 400 for an object. */
const refusal = (path: string, message: string): FaultInput => ({
  kind: 'answer',
  path,
  status: 400,
  body: { object: 'error', status: 400, code: 'validation_error', message },
});

/** Connects a tenant and waits for its first comparison with Notion. */
async function connected(workspaceId: string): Promise<Customer> {
  const customer = await scene.connect(workspaceId, workspaceId);
  await scene.untilSwept(workspaceId);
  return customer;
}

/** A connected tenant with this many databases in the mirror. */
async function withDatabases(workspaceId: string, count: number): Promise<Customer & { readonly ids: readonly string[] }> {
  const customer = scene.prepare(workspaceId, workspaceId);
  const ids: string[] = [];
  for (let number = 0; number < count; number += 1) {
    const { databaseId } = await customer.user.createDatabase(customer.pages.home, `Database ${number}`, properties);
    ids.push(databaseId);
  }
  await scene.mirror('connections', 'add', customer.connectionId, ...connectionOptions(customer));
  await scene.untilEqual(workspaceId);
  await scene.untilSwept(workspaceId);
  return { ...customer, ids };
}

/** Runs a comparison and resolves to its report. */
async function compared(workspaceId: string): Promise<{ events: Record<string, number>; incomplete?: unknown }> {
  const said = await scene.mirror('reconcile', 'run', workspaceId, '--wait', '--json');
  return (JSON.parse(said) as { last: { events: Record<string, number>; incomplete?: unknown } }).last;
}

async function renamed({ user }: Customer, databaseId: string, title: string): Promise<void> {
  await user.editDatabase(databaseId, { title: richText(title) });
  await scene.pair.settle();
}

describe('an id that Notion does not show as a database', () => {
  test('of a linked view is ignored with a reason: each event became a dead letter', async () => {
    const acme = await connected('linked');
    scene.notion.faults.inject({
      ...refusal('/v1/databases/*', 'Database with ID {id} is a linked database and cannot be retrieved here.'),
      token: acme.botToken,
    });
    const { databaseId } = await acme.user.createDatabase(acme.pages.home, 'A view', properties);
    await waitUntil(() => outcomes(databaseId).some((line) => line.outcome === 'ignored' && line['reason'] === 'not_a_database'));
    expect(await view(databaseId)).toBeNull();
    expect(deadLetters('linked')).toEqual([]);
    await waitUntil(async () => {
      const { stdout } = await scene.tryMirror('explain', databaseId, '--json');
      return stdout.includes('"not_a_database"');
    });
  });

  test.each(['an event', 'a comparison'])('any more is removed by %s: it stayed in the mirror forever', async (by) => {
    const name = by === 'an event' ? 'turned-by-event' : 'turned-by-sweep';
    const { ids, ...acme } = await withDatabases(name, 2);
    const [databaseId = ''] = ids;
    if (by !== 'an event') webhooks(1);
    scene.notion.faults.inject({
      ...refusal(`/v1/databases/${databaseId}`, 'The ID {id} is a page, not a database. Use the endpoint for pages.'),
      token: acme.botToken,
    });
    await renamed(acme, databaseId, 'Now a page');
    if (by !== 'an event') await compared(name);
    await waitUntil(async () => (await view(databaseId)) === null);
    expect(deadLetters(name)).toEqual([]);
    expect(await scene.db.collection('databases').countDocuments({ workspaceId: name })).toBe(1);
  });
});

test.each([
  [403, 'restricted_resource', 'forbidden'],
  [400, 'validation_error', 'refused'],
])('a data source that answers %i hides only itself: its database became a dead letter', async (status, code, name) => {
  const { ids, ...acme } = await withDatabases(`part-${name}`, 1);
  const [databaseId = ''] = ids;
  const hidden = await acme.user.addDataSource(databaseId, 'Hidden', properties);
  await acme.user.addDataSource(databaseId, 'Third', properties);
  await scene.untilEqual(`part-${name}`);
  scene.notion.faults.inject({
    kind: 'answer',
    path: `/v1/data_sources/${hidden}`,
    status,
    body: { object: 'error', status, code, message: 'No.' },
  });
  await renamed(acme, databaseId, 'New title');
  // A fetch for an earlier event may have read the data source before the fault and the container after the edit.
  const shown = async () => {
    const document = await view(databaseId);
    const sources = (document?.['dataSources'] ?? []) as { id: string; accessible?: boolean; reason?: string }[];
    return { title: document?.['title'], sources: sources.length, hidden: sources.filter(({ accessible }) => accessible === false) };
  };
  const source = { id: hidden, name: 'Hidden', accessible: false, reason: code };
  await expect.poll(shown).toEqual({ title: 'New title', sources: 3, hidden: [source] });
  expect(deadLetters(`part-${name}`)).toEqual([]);
  scene.notion.faults.clear();
  await renamed(acme, databaseId, 'Newer title');
  await scene.untilEqual(`part-${name}`);
});

test.each([
  ['an empty object', {}],
  ['an error', { object: 'error', status: 503, code: 'service_unavailable', message: 'Try later.' }],
  ['another object', { object: 'page', id: '{id}' }],
  ['a list', []],
])('a 200 that holds %s is retried: it became a dead letter', async (what, body) => {
  const name = `wrong-${what.replaceAll(' ', '-')}`;
  const { ids, ...acme } = await withDatabases(name, 1);
  const [databaseId = ''] = ids;
  scene.notion.faults.inject({ kind: 'answer', token: acme.botToken, path: '/v1/databases/*', body, count: 2 });
  await renamed(acme, databaseId, 'New title');
  await waitUntil(async () => (await view(databaseId))?.['title'] === 'New title');
  expect(deadLetters(name)).toEqual([]);
});

describe('a comparison that fails in part', () => {
  test('compares everything in the mirror when its search cursor dies, and asks for smaller pages when large ones fail', async () => {
    const { ids, ...acme } = await withDatabases('search', 30);
    const [first = '', second = ''] = ids;
    webhooks(1);
    await renamed(acme, first, 'Renamed');
    const [source] = ((await view(second))?.['dataSources'] ?? []) as { id: string }[];
    await acme.user.editDataSource(source?.id ?? '', { properties: { Extra: { checkbox: {} } } });
    await scene.pair.settle();
    const search = { token: acme.botToken, path: '/v1/search' };
    scene.notion.faults.inject({
      ...search,
      kind: 'answer',
      pageSizeOver: 20,
      status: 504,
      body: { object: 'error', status: 504, code: 'gateway_timeout', message: 'It took too long. Ask for a page_size of 20.' },
    });
    const cursor = { ...refusal(search.path, 'The start_cursor provided is invalid: {id}'), token: acme.botToken, withCursor: true };
    scene.notion.faults.inject(cursor);
    const report = await compared('search');
    expect(report.incomplete).toMatchObject({ searches: [{ connectionId: acme.connectionId }], uncompared: 0 });
    await scene.untilEqual('search');
    const { stdout, stderr } = await scene.tryMirror('reconcile', 'status', 'search');
    expect(stdout + stderr).toMatch(/incomplete, because connection .*start_cursor/);

    // The cursor works again, and one page repeats it.
    scene.notion.faults.clear();
    scene.notion.faults.inject({ ...search, kind: 'repeated_cursor', withCursor: true, count: 1 });
    scene.notion.faults.inject({ ...search, kind: 'gateway_timeout', pageSizeOver: 20 });
    const again = await compared('search');
    expect(again).not.toHaveProperty('incomplete');
    expect(again.events).toEqual({});
  });

  test('skips a database that keeps failing, and names it', async () => {
    const { ids, ...acme } = await withDatabases('poisoned', 12);
    webhooks(1);
    const [first = '', , third = ''] = ids.toSorted();
    scene.notion.faults.inject({ kind: 'internal_server_error', token: acme.botToken, path: `/v1/databases/${first}` });
    for (const id of ids) if (id !== first) await acme.user.editDatabase(id, { title: richText('Renamed') });
    await scene.pair.settle();
    const report = await compared('poisoned');
    expect(report.incomplete).toMatchObject({ searches: [], uncompared: 1, databases: [{ databaseId: first }] });
    await waitUntil(async () => (await scene.differences('poisoned')).length === 0);
    expect(await view(third)).toMatchObject({ title: 'Renamed' });
  });

  test('counts the databases of one connection when another may not search', async () => {
    const { ids, ...acme } = await withDatabases('two-grants', 2);
    const bot = scene.notion.installBot({ workspaceId: acme.notionWorkspaceId, integrationId: scene.pair.integrationId });
    scene.nango.createConnection({ connectionId: 'no-search', accessToken: bot.token, workspaceId: acme.notionWorkspaceId, botId: bot.id });
    await scene.mirror('connections', 'add', 'no-search', ...connectionOptions({ ...acme, botId: bot.id }));
    scene.notion.faults.inject({ kind: 'restricted_resource', token: bot.token, path: '/v1/search' });
    webhooks(1);
    await renamed(acme, ids[0] ?? '', 'Renamed');
    expect((await compared('two-grants')).incomplete).toMatchObject({ searches: [{ connectionId: 'no-search' }] });
    await scene.untilEqual('two-grants');
    const { stdout } = await scene.tryMirror('doctor', '--json');
    expect(stdout).toContain('no-search of two-grants');
  });
});

test('a short run of 401s does not make a recently working connection unauthorized', async () => {
  const { ids, ...acme } = await withDatabases('spell', 1);
  const [databaseId = ''] = ids;
  const spell = scene.notion.faults.inject({ kind: 'unauthorized', token: acme.botToken });
  // Each probe tries the token held by Nango and a fresh one.
  await renamed(acme, databaseId, 'During the spell');
  await waitUntil(() => (scene.notion.faults.list().find(({ id }) => id === spell.id)?.fired ?? 0) >= 4);
  scene.notion.faults.clear();
  await scene.untilEqual('spell');
  expect(
    scene.lines.filter(({ msg, connectionId }) => msg === 'Notion refuses a connection' && connectionId === acme.connectionId),
  ).toEqual([]);
});

test('a connection id in use by another integration and tenant is not taken over', async () => {
  const { ids, ...acme } = await withDatabases('first-owner', 1);
  const globex = scene.prepare('second-owner', 'Second owner');
  const notion = ['--notion-workspace-id', globex.notionWorkspaceId];
  const other = ['connections', 'add', acme.connectionId, '--provider-config-key', 'notion-eu'];
  const taken = await scene.tryMirror(...other, '--workspace-id', 'second-owner', ...notion);
  expect(taken).toMatchObject({ code: 1 });
  expect(taken.stderr).toContain(`the connection id ${acme.connectionId} is in use for the tenant first-owner`);
  const unnamed = await scene.tryMirror(...other, ...notion);
  expect(unnamed).toMatchObject({ code: 1 });
  await renamed(acme, ids[0] ?? '', 'Still mirrored');
  await scene.untilEqual('first-owner');
  expect(await scene.tryMirror(...other, '--workspace-id', 'first-owner')).toMatchObject({ code: 0 });
});
