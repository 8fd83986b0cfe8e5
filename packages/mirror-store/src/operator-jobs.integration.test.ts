import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase, someLayout } from '../test/mongo.ts';
import { initMongo } from './init.ts';
import { openOperatorActions, type NewOperatorAction } from './operator-actions.ts';
import { noProgress, openOperatorJobs, type JobPlan } from './operator-jobs.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
beforeAll(async () => {
  mongo = await openTestDatabase();
  await initMongo(mongo.db, someLayout);
});
beforeEach(async () => {
  await mongo.db.collection('operator_actions').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const action: NewOperatorAction = {
  at: new Date(),
  who: 'ann',
  via: 'console',
  action: 'dead_letters.redrive',
  workspaceId: 'acme',
  target: { planned: 2 },
  reason: 'ticket 1',
  version: '0.1.0',
};
// No part of a time.
const refs = ['71:1', '71:2'];
const plan: JobPlan = { kind: 'letters', action: 'redrive', refs, ends: [{ partition: 0, offset: 9 }], canary: 5, perSecond: 50 };
const progress = { ...noProgress, planned: 2, left: 2 };
const further = { progress: { ...progress, done: 1, left: 1 }, counts: { redriven: 1 } };
const expire = async () => mongo.db.collection('operator_actions').updateMany({}, { $set: { 'job.heldUntil': new Date(Date.now() - 1) } });
const listed = async () => (await openOperatorActions(mongo.db).list({}, null, 10))[0];

test('a job is one entry of the trail, without the letters of its plan', async () => {
  const jobs = openOperatorJobs(mongo.db);
  const { id } = await jobs.begin(action, plan, progress);
  expect(await listed()).toEqual({ ...action, id, outcome: 'begun', endedAt: null, counts: {}, failure: null, isJob: true });
  expect(await jobs.view(id)).toMatchObject({ id, canary: 5, perSecond: 50, replayId: null, progress });
  expect(JSON.stringify(await jobs.view(id))).not.toContain('71:');
  expect(await jobs.save(id, further)).toEqual({ isStopAsked: false });
  expect(await jobs.end(id, { ...further, outcome: 'done', failure: null })).toBe(true);
  expect(await listed()).toMatchObject({ id, outcome: 'done', counts: { redriven: 1 }, endedAt: expect.any(Date) });
  expect(await openOperatorActions(mongo.db).list({}, null, 10)).toHaveLength(1);
});

test('a held job is not taken; one whose process was killed is, with all that is needed', async () => {
  const [killed, next, other] = [openOperatorJobs(mongo.db), openOperatorJobs(mongo.db), openOperatorJobs(mongo.db)];
  const { id } = await killed.begin(action, plan, progress);
  await killed.save(id, further);
  expect(await next.takeLeft()).toBeNull();
  await expire();
  expect(await listed()).toMatchObject({ outcome: 'interrupted' });
  expect(await next.takeLeft()).toMatchObject({ id, plan, ...further, outcome: 'begun', reason: 'ticket 1' });
  expect(await other.takeLeft()).toBeNull();
  // The former holder was only slow.
  expect(await killed.save(id, further)).toBeNull();
  expect(await killed.end(id, { ...further, outcome: 'done', failure: null })).toBe(false);
  await next.leave(id);
  expect(await next.firstLeftAt()).toBeNull();
  expect(await other.takeLeft()).toMatchObject({ id });
  expect((await next.firstLeftAt())?.getTime()).toBeGreaterThan(Date.now());
});

test('a job is stopped by its holder, or at once when it has none, and continued by any process', async () => {
  const [holder, other] = [openOperatorJobs(mongo.db), openOperatorJobs(mongo.db)];
  const { id } = await holder.begin(action, plan, progress);
  expect(await other.continue(id)).toBeNull();
  expect(await other.askStop(id)).toBe(true);
  expect(await holder.save(id, further)).toEqual({ isStopAsked: true });
  await holder.end(id, { ...further, outcome: 'stopped', failure: 'came_back' });
  expect(await listed()).toMatchObject({ outcome: 'stopped', failure: 'came_back', endedAt: expect.any(Date) });
  expect(await other.takeLeft()).toBeNull();
  expect(await other.askStop(id)).toBe(false);

  expect(await other.continue(id)).toMatchObject({ id, outcome: 'begun', failure: null, endedAt: null, ...further });
  expect(await other.save(id, further)).toEqual({ isStopAsked: false });
  await expire();
  expect(await holder.askStop(id)).toBe(true);
  expect(await listed()).toMatchObject({ outcome: 'stopped' });
});

test('a purge ends the jobs of its tenant and takes out what they were about', async () => {
  const jobs = openOperatorJobs(mongo.db);
  const { id } = await jobs.begin(action, plan, progress);
  expect(await openOperatorActions(mongo.db).forget('acme')).toBe(1);
  expect(await listed()).toMatchObject({ id, outcome: 'failed', failure: 'purged', workspaceId: null, target: {}, reason: null });
  expect(await jobs.save(id, further)).toBeNull();
  expect(await jobs.takeLeft()).toBeNull();
  expect(JSON.stringify(await mongo.db.collection('operator_actions').find().toArray())).not.toMatch(/acme|71:|ticket/);
  expect(await jobs.view(id)).toMatchObject({ id, canary: 5 });
});
