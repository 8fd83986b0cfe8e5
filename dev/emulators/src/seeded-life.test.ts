import { expect, test, vi } from 'vitest';
import { startReceiver } from '../test/receiver.ts';
import { lifeActions } from './life/actions.ts';
import { rowActions } from './life/row-actions.ts';
import type { JsonObject } from './json.ts';
import { isJsonObject } from './json.ts';
import type { NotionEmulatorOptions } from './notion/emulator.ts';
import { plainTypes } from './notion/properties.ts';
import type { TrueDatabase, TrueRow } from './notion/truth.ts';
import type { Customer, EmulatorPair } from './pair.ts';
import { startEmulatorPair } from './pair.ts';
import { createSeededLife } from './seeded-life.ts';

// Thousands of HTTP calls, on machines that may be busy.
vi.setConfig({ testTimeout: 300_000 });

test('the same seed gives the same actions and ids', async () => {
  const first = await live('a');
  expect(await live('a')).toEqual(first);
  expect((await live('b')).actions).not.toEqual(first.actions);
});

test('a long enough life includes every action', async () => {
  const pair = await startEmulatorPair({ seed: 'all' });
  const life = createSeededLife({ pair, workspaces: 1, seed: 'all', withUnannounced: true });
  const names = new Set((await life.run(600)).map(({ name }) => name));
  expect(names.size).toBe(26);
  await pair.stop();
});

test('users who work on rows take every action on them, and fill cells of every type', async () => {
  const pair = await startEmulatorPair({ seed: 'rows' });
  const life = createSeededLife({ pair, workspaces: 1, seed: 'rows', rows: { share: 0.8, most: 25 } });
  const missing = new Set<string>([...Object.keys(rowActions), ...fillable]);
  for (let round = 0; round < 40 && missing.size > 0; round += 1) {
    for (const { name } of await life.run(60)) missing.delete(name);
    for (const { page } of rowsSeen(pair, life.customers[0])) for (const type of filledTypes(page)) missing.delete(type);
  }
  expect([...missing]).toEqual([]);
  await pair.stop();
});

const neverFilled: readonly string[] = ['button', 'location', 'last_visited_time'];
const fillable = [...plainTypes, 'relation', 'rollup'].filter((type) => !neverFilled.includes(type));

test('no more rows are added than asked for', async () => {
  const pair = await startEmulatorPair({ seed: 'few' });
  const life = createSeededLife({
    pair,
    workspaces: 1,
    seed: 'few',
    rows: { share: 1, most: 5 },
    weights: { createRow: 0, restoreRow: 0 },
  });
  await life.run(100);
  expect(rowsSeen(pair, life.customers[0]).length).toBeLessThanOrEqual(5);
  await pair.stop();
});

test('weights determine the actions chosen', async () => {
  const pair = await startEmulatorPair({ seed: 'weights' });
  const life = createSeededLife({ pair, workspaces: 1, seed: 1, weights: { editDatabase: 0, trashPage: 0 } });
  const actions = await life.run(100);
  expect(actions.filter(({ name }) => name === 'editDatabase' || name === 'trashPage')).toEqual([]);
  await pair.stop();
});

test.each([
  [false, 0],
  [true, 1],
])('a source that its database lists is deleted permanently only with unannounced changes: %s', async (withUnannounced, times) => {
  const pair = await startEmulatorPair({ seed: 'listed', notion: { listTrashedDataSources: true } });
  const others = Object.fromEntries(Object.keys(lifeActions).map((name) => [name, 0]));
  const weights = { ...others, createDatabase: 1, addDataSource: 3, trashDataSource: 3, deletePermanently: 3 };
  const life = createSeededLife({ pair, workspaces: 1, seed: 1, withUnannounced, weights });
  const deletions = (await life.run(50)).filter(({ name }) => name === 'deletePermanently');
  expect(Math.min(deletions.length, 1)).toBe(times);
  await pair.stop();
});

/**
 * A mirror driven by events alone: an entity named by no event must not have changed. Receivers rely on this, so the emulator must
 * guarantee it with every setting.
 */
test.each<[string, NotionEmulatorOptions, number]>([
  ['events one by one', {}, 1],
  [
    'hints of every kind, no events for the sources of a container',
    { announce: { dataSourceParent: 'mixed', sourcesOfContainer: false } },
    1,
  ],
  ['aggregated in windows', { delivery: { aggregationMs: 15 } }, 12],
  ['trashed sources stay listed', { listTrashedDataSources: true, delivery: { aggregationMs: 10 } }, 5],
])('every change is announced: %s', async (_, options, actionsAtOnce) => {
  const receiver = await startReceiver();
  const pair = await startEmulatorPair({
    seed: 'announced',
    notion: options,
    nango: { forwardTo: receiver.url, delivery: { timeScale: 0.001 } },
  });
  const life = createSeededLife({ pair, workspaces: 2, seed: 'announced' });
  const mirrors = new Map(
    life.customers.map(({ workspaceId, connections }) => [
      workspaceId,
      { token: connections[0]?.token ?? '', databases: new Map<string, unknown>() },
    ]),
  );
  let seen = 0;
  for (let round = 0; round < 240 / actionsAtOnce; round += 1) {
    const actions = await life.run(actionsAtOnce);
    await pair.settle();
    for (const { body } of receiver.received.slice(seen)) await follow(pair, mirrors, JSON.parse(body) as ForwardedBody);
    seen = receiver.received.length;
    for (const customer of life.customers) {
      const truth = new Map(databasesSeen(pair, customer).map((each) => [each.database['id'], comparable(each)]));
      expect(mirrors.get(customer.workspaceId)?.databases, `after ${JSON.stringify(actions)}`).toEqual(truth);
    }
  }
  await pair.stop();
  await receiver.stop();
});

interface Mirror {
  readonly token: string;
  readonly databases: Map<string, unknown>;
}

interface ForwardedBody {
  readonly connectionId?: string;
  readonly payload?: {
    readonly workspace_id: string;
    readonly type: string;
    readonly entity: { readonly id: string; readonly type: string };
  };
}

/** Refetches the database named by an event; for a data source, the database it is in and the one the mirror has it in. */
async function follow(pair: EmulatorPair, mirrors: ReadonlyMap<string, Mirror>, { payload }: ForwardedBody): Promise<void> {
  const mirror = mirrors.get(payload?.workspace_id ?? '');
  if (payload === undefined || mirror === undefined) return;
  const get = async (path: string) => {
    const headers = { authorization: `Bearer ${mirror.token}`, 'notion-version': '2026-03-11' };
    const response = await fetch(`${pair.notion.url}/v1/${path}`, { headers });
    return response.ok
      ? ((await response.json()) as JsonObject & {
          in_trash: boolean;
          parent: { database_id: string };
          data_sources: { id: string; name: string }[];
        })
      : null;
  };
  const { entity } = payload;
  const ids = new Set<string>();
  if (entity.type === 'database') ids.add(entity.id);
  if (entity.type === 'data_source') {
    for (const [id, database] of mirror.databases) if (JSON.stringify(database).includes(`"id":"${entity.id}"`)) ids.add(id);
    const source = await get(`data_sources/${entity.id}`);
    if (source !== null) ids.add(source.parent.database_id);
  }
  for (const id of ids) {
    const database = await get(`databases/${id}`);
    if (database === null || database.in_trash) {
      mirror.databases.delete(id);
      continue;
    }
    const dataSources = await Promise.all(
      database.data_sources.map(async (source) => ({ ...source, answer: await get(`data_sources/${source.id}`) })),
    );
    mirror.databases.set(id, comparable({ database, dataSources }));
  }
}

function databasesSeen(pair: EmulatorPair, { workspaceId, connections }: Customer): TrueDatabase[] {
  return pair.notion.truth({ workspaceId, botId: connections[0]?.botId });
}

function rowsSeen(pair: EmulatorPair, customer: Customer | undefined): TrueRow[] {
  if (customer === undefined) throw new Error('There is no customer.');
  return pair.notion.rowTruth({ workspaceId: customer.workspaceId, botId: customer.connections[0]?.botId });
}

/** The types of the row's properties that have a value. */
function filledTypes({ properties = null }: JsonObject): string[] {
  return Object.values(isJsonObject(properties) ? properties : {}).flatMap((property) => {
    if (!isJsonObject(property) || typeof property['type'] !== 'string') return [];
    const { type } = property;
    const outer = property[type] ?? null;
    const value = isJsonObject(outer) && typeof outer['type'] === 'string' ? (outer[outer['type']] ?? null) : outer;
    const isEmpty = value === null || value === '' || JSON.stringify(value) === '[]' || JSON.stringify(value) === '{}';
    return isEmpty ? [] : [type];
  });
}

/** A database without the parts that differ in every response. */
function comparable(database: TrueDatabase): unknown {
  return JSON.parse(JSON.stringify(database), (key, value: unknown) => {
    if (key === 'request_id' || key === 'expiry_time') return undefined;
    return key === 'url' && typeof value === 'string' ? value.split('?')[0] : value;
  });
}

async function live(seed: string) {
  const pair = await startEmulatorPair({ seed: 'pair' });
  const life = createSeededLife({ pair, workspaces: 2, seed, withUnannounced: true });
  const actions = await life.run(80);
  const truths = life.customers.map((customer) => databasesSeen(pair, customer));
  await pair.stop();
  return {
    actions,
    truths: truths.map((databases) => databases.map(({ database, dataSources }) => [database['id'], dataSources.map(({ name }) => name)])),
  };
}
