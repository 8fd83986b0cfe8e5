import { until } from '@notion-mirror/event-log/testing/isolated-log';
import { openOperatorActions, type NewOperatorAction } from '@notion-mirror/mirror-store/operator-actions';
import { noProgress, openOperatorJobs, type JobPlan } from '@notion-mirror/mirror-store/operator-jobs';
import { createReplays } from '@notion-mirror/mirror-store/replays';
import { expect, onTestFinished, test } from 'vitest';
import { setOperationsScene } from '../../test/operations-scene.ts';
import { createJobRunner } from './job-runner.ts';

async function setScene() {
  const { db, context } = await setOperationsScene('jobs', 1);
  const runner = () => {
    const created = createJobRunner({ context, db, ingressUrl: null, onEnding: () => {} });
    onTestFinished(() => created.close());
    return created;
  };
  /** As a process does that is killed right after it. */
  const leave = async (change: Pick<NewOperatorAction, 'action'>, plan: JobPlan) => {
    const begun = {
      at: new Date(),
      who: 'ann',
      via: 'console',
      workspaceId: null,
      target: {},
      reason: null,
      version: '0',
      ...change,
    } as const;
    const { id } = await openOperatorJobs(db).begin(begun, plan, noProgress);
    await db.collection('operator_actions').updateMany({}, { $set: { 'job.heldUntil': new Date(Date.now() - 1) } });
    return id;
  };
  const ended = async (id: string) => {
    const one = async () => (await openOperatorActions(db).list({}, null, 10)).find((action) => action.id === id);
    await until(async () => !['begun', 'interrupted'].includes((await one())?.outcome ?? 'begun'));
    return one();
  };
  return { db, runner, leave, ended };
}

const order = { source: 'states', into: 'mirror', workspaceId: null, databaseId: null, since: null } as const;

test('a replay that was left is resumed, not begun again, also when its id was not noted', async () => {
  const { db, runner, leave, ended } = await setScene();
  const id = await leave({ action: 'replay.run' }, { kind: 'replay', order, ranges: [], replayId: null });
  const begun = await createReplays(db).create(order, []);
  // Its process held it, too.
  await db.collection('replays').updateMany({}, { $set: { heldUntil: new Date(Date.now() - 1) } });
  const jobs = runner();
  expect(await ended(id)).toMatchObject({ outcome: 'done', failure: null });
  expect(await createReplays(db).list(null, 10)).toMatchObject([{ id: begun.id, status: 'done' }]);
  expect(await jobs.view(id)).toMatchObject({ replayId: begun.id });
});

test('a job that another process gives back is continued, also after a while in which there was none', async () => {
  const { db, runner, ended } = await setScene();
  runner();
  const other = openOperatorJobs(db);
  const begun = { at: new Date(), who: 'ann', via: 'console', workspaceId: null, target: {}, reason: null, version: '0' } as const;
  const plan = { kind: 'replay', order, ranges: [], replayId: null } as const;
  const { id } = await other.begin({ ...begun, action: 'replay.run' }, plan, noProgress);
  await other.save(id, { progress: noProgress, counts: {} });
  await other.leave(id);
  expect(await ended(id)).toMatchObject({ outcome: 'done', failure: null });
});

test('a job whose replay was cancelled has failed', async () => {
  const { db, runner, leave, ended } = await setScene();
  const replay = await createReplays(db).create(order, []);
  await createReplays(db).cancel(replay.id);
  const id = await leave({ action: 'replay.run' }, { kind: 'replay', order, ranges: [], replayId: replay.id });
  runner();
  expect(await ended(id)).toMatchObject({ outcome: 'failed', failure: 'cancelled' });
});

test('a switch that was left is not done again', async () => {
  const { runner, leave, ended } = await setScene();
  const id = await leave({ action: 'replay.switch' }, { kind: 'switch', replayId: 'r' });
  const jobs = runner();
  expect(await ended(id)).toMatchObject({ outcome: 'failed', failure: 'interrupted' });
  expect(await jobs.view(id)).toMatchObject({ progress: { failure: { remedy: expect.stringContaining('mirror replay status') } } });
});

test('what fails is stopped with its cause, so that it can be continued', async () => {
  const { db, runner, ended } = await setScene();
  const jobs = runner();
  const gone = { action: 'dead_letters.drop', workspaceId: null, target: {}, reason: 'it was\nhunter2' } as const;
  // Where no letter is, there is nothing to settle; where MongoDB refuses the marks, the job stops.
  const plan = { kind: 'letters', action: 'drop', refs: ['0:0'], ends: [], canary: 0, perSecond: 50 } as const;
  const nothing = await ended(await jobs.begin({ who: 'ann', via: 'console' }, gone, plan));
  expect(nothing).toMatchObject({ outcome: 'done', reason: 'it was?***', counts: { dropped: 0, settledMeanwhile: 1 } });

  const replay = await createReplays(db).create(order, []);
  const held = { kind: 'replay', order, ranges: [], replayId: replay.id } as const;
  await db.command({ collMod: 'replays', validator: { never: true } });
  await db.collection('replays').updateMany({}, { $set: { heldUntil: new Date(0) } }, { bypassDocumentValidation: true });
  const failed = await ended(await jobs.begin({ who: 'ann', via: 'console' }, { ...gone, action: 'replay.run' }, held));
  expect(failed).toMatchObject({ outcome: 'stopped', failure: 'mongodb_unavailable' });
  await db.command({ collMod: 'replays', validator: {} });
  expect(await jobs.continue(failed?.id ?? '')).toBe(true);
  expect(await ended(failed?.id ?? '')).toMatchObject({ outcome: 'done' });
});
