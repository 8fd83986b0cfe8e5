import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase, someLayout } from '../test/mongo.ts';
import { initMongo } from './init.ts';
import { openOperatorActions, type NewOperatorAction, type OperatorActions } from './operator-actions.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let actions: OperatorActions;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
  actions = openOperatorActions(mongo.db);
});
beforeEach(async () => {
  await mongo.db.collection('operator_actions').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

function someAction(change: Partial<NewOperatorAction> = {}): NewOperatorAction {
  return {
    at: new Date(),
    who: 'ann',
    via: 'cli',
    action: 'connections.pause',
    workspaceId: 'acme',
    target: { connectionId: 'c-acme' },
    reason: 'ticket 1',
    version: '0.1.0',
    ...change,
  };
}

test('what has begun is there at once, and its end is written to it', async () => {
  const action = someAction();
  const id = await actions.begin(action);
  const begun = { ...action, id, outcome: 'begun', endedAt: null, counts: {}, failure: null, isJob: false };
  expect(await actions.list({}, null, 10)).toEqual([begun]);
  const end = { outcome: 'failed', endedAt: new Date(), workspaceId: 'globex', counts: { changed: 1 }, failure: 'not_possible' } as const;
  await actions.end(id, end);
  expect(await actions.list({}, null, 10)).toEqual([{ ...begun, ...end }]);
});

test('they are listed latest first, page by page, by tenant, name and action', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    const [who, workspaceId] = [n % 2 === 0 ? 'ann' : 'bob', n < 3 ? 'acme' : null];
    ids.push(await actions.begin(someAction({ who, workspaceId, action: n === 5 ? 'rows.off' : 'verify.fix' })));
  }
  const listed = async (...query: Parameters<OperatorActions['list']>) => (await actions.list(...query)).map(({ id }) => ids.indexOf(id));
  expect(await listed({}, null, 4)).toEqual([5, 4, 3, 2]);
  expect(await listed({}, ids[2] ?? null, 4)).toEqual([1, 0]);
  expect(await listed({ who: 'ann' }, null, 4)).toEqual([4, 2, 0]);
  expect(await listed({ workspaceId: 'acme', who: 'bob' }, null, 4)).toEqual([1]);
  expect(await listed({ action: 'rows.off' }, null, 4)).toEqual([5]);
});

test('of a forgotten tenant stays who did what and when, and why it was purged', async () => {
  for (const workspaceId of ['acme', 'globex']) {
    for (const action of ['connections.purge', 'connections.pause'] as const) await actions.begin(someAction({ workspaceId, action }));
  }
  const before = await actions.list({}, null, 10);
  expect(await actions.forget('acme')).toBe(2);
  const forgotten = { workspaceId: null, target: {} };
  expect(await actions.list({}, null, 10)).toEqual(
    before.map((one) =>
      one.workspaceId === 'globex' ? one : { ...one, ...forgotten, reason: one.action === 'connections.purge' ? 'ticket 1' : null },
    ),
  );
});

test('they expire after 400 days', async () => {
  const indexes = await mongo.db.collection('operator_actions').indexes();
  expect(indexes.find(({ name }) => name === 'expiry')).toMatchObject({ key: { at: 1 }, expireAfterSeconds: 34_560_000 });
});
