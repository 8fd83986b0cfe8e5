import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { rowStates } from '@notion-mirror/event-log/entities/row-state';
import { stateLogOf } from '@notion-mirror/event-log/state-contract';
import { readAll, until } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { createConnectionNotices } from '@notion-mirror/mirror-store/connection-notices';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setRowsScene } from '../../../cli/test/rows-scene.ts';
import type { AdmitAnswer, CancelAnswer, CompareAnswer, FetchAnswer, ReplayDiffAnswer, StatusChangeAnswer } from './answers/acting.ts';
import type { AuditAnswer } from './answers/audit.ts';
import type { JobAnswer } from './answers/jobs.ts';
import type { Me } from './answers/me.ts';
import type { ReplayPlanAnswer, ReplayPlanOrder } from './answers/plans.ts';
import type { TenantsAnswer } from './answers/tenants.ts';
import { consolesOn, type Consoles, type RunningConsole } from './testing/test-console.ts';

let scene: Awaited<ReturnType<typeof setRowsScene>>;
let consoles: Consoles;
let operator: RunningConsole;
let databaseId: string;
let source: string;

beforeAll(async () => {
  scene = await setRowsScene('console_acting');
  ({ databaseId, dataSourceId: source } = await scene.user.createDatabase(scene.home, 'Tasks', { Name: { title: {} } }));
  await scene.mirrorDatabase(databaseId);
  consoles = await consolesOn(scene.env);
  operator = await consoles.start({});
}, 120_000);
afterAll(async () => {
  await consoles.close();
  await scene.end();
});

const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
const refused = async (path: string, body: object) => {
  const { status, json } = await operator.ask(path, { method: 'POST', headers, body });
  return [status, (json as { error?: { code: string } }).error?.code];
};
const audited = async (id: string) => (await operator.get<AuditAnswer>('/api/audit')).actions.find((action) => action.id === id);
const events = async () => readAll(scene.log.kafka, topicsFor(scene.log.prefix).events);
const statusOf = async (id: string) => (await createConnectionStore(scene.db).get(id))?.status;
async function ended(job: JobAnswer): Promise<JobAnswer> {
  let last = job;
  await until(async () => {
    last = await operator.get<JobAnswer>(`/api/jobs/${job.id}`);
    return ['done', 'failed', 'stopped'].includes(last.state);
  });
  return last;
}

test('the answer about the user says what they may do', async () => {
  await until(async () => (await operator.get<Me>('/api/me')).actions.redrive.allowed);
  const { actions } = await operator.get<Me>('/api/me');
  expect(Object.entries(actions).filter(([, { allowed }]) => !allowed)).toEqual([['signOut', expect.anything()]]);
});

test('a connection is paused and resumed, with the reason in the list and in the trail', async () => {
  const paused = await operator.post<StatusChangeAnswer>('/api/connections/own/pause', { reason: 'they asked' });
  expect(paused).toMatchObject({ outcome: 'changed', connection: { status: 'paused', statusReason: 'they asked' } });
  expect(await audited(paused.actionId)).toMatchObject({
    action: 'connections.pause',
    via: 'console',
    who: 'not signed in',
    workspaceId: 'acme',
    reason: 'they asked',
    outcome: 'done',
    isJob: false,
    counts: { changed: 1 },
  });
  expect(await operator.post('/api/connections/own/pause', { reason: 'again' })).toMatchObject({ outcome: 'unchanged' });
  expect(await operator.post('/api/connections/own/resume', { reason: 'done' })).toMatchObject({ outcome: 'changed' });
  expect(await statusOf('own')).toBe('active');
  expect(await refused('/api/connections/none/pause', { reason: 'x' })).toEqual([404, 'unknown_connection']);
  expect(await refused('/api/connections/own/pause', {})).toEqual([400, 'bad_request']);
  expect(await statusOf('own')).toBe('active');
});

test('a tenant is compared at once, and removals are accepted with their number only', async () => {
  const path = '/api/tenants/acme/compare';
  expect(await refused(path, { reason: 'x' })).toEqual([404, 'unknown_tenant']);
  const at = new Date();
  const last = { startedAt: at, endedAt: at, depth: 'search', held: 9, found: 1, events: {}, removals: 8, stopped: true };
  const state = { dueAt: at, claimedUntil: at, claimedBy: null, failures: 0, failure: null, request: null, answered: null, last };
  const sweeps = scene.db.collection<{ _id: string; request: object | null }>('sweeps');
  const sweep = { _id: 'acme', activation: at, lastStartedAt: at, completedAt: at, ...state };
  await sweeps.insertOne(sweep);
  const requested = async () => (await sweeps.findOne({ _id: 'acme' }))?.request;

  expect(await refused(path, { reason: 'x', acceptRemovals: true })).toEqual([409, 'count_differs']);
  expect(await refused(path, { reason: 'x', acceptRemovals: true, count: 7 })).toEqual([409, 'count_differs']);
  expect(await requested()).toBeNull();
  const compared = await operator.post<CompareAnswer>(path, { reason: 'see' });
  expect(compared.sweep).toMatchObject({ workspaceId: 'acme', state: 'stopped' });
  expect(await requested()).toMatchObject({ acceptRemovals: false });
  const accepted = await operator.post<CompareAnswer>(path, { reason: 'gone in Notion', acceptRemovals: true, count: 8 });
  expect(await requested()).toMatchObject({ acceptRemovals: true });
  expect(await audited(accepted.actionId)).toMatchObject({ action: 'reconcile.run', target: { acceptRemovals: true } });
});

test('a connection that waits for a decision gets its tenant', async () => {
  const notices = createConnectionNotices(scene.db);
  const name = { connectionId: 'late', providerConfigKey: 'notion' };
  await createConnectionStore(scene.db).add({
    ...name,
    workspaceId: 'former',
    notionWorkspaceId: scene.notionWorkspaceId,
    botId: null,
    token: null,
  });
  await createConnectionStore(scene.db).remove('late', 'left');
  await notices.note(name, { isDeletion: false });
  const notice = await notices.take(60_000);
  if (notice === null) throw new Error('no notice');
  await notices.settle(notice, { takenGrant: null, problem: 'it names no tenant' });
  expect((await operator.get<TenantsAnswer>('/api/tenants')).leftToYou).toMatchObject([{ connectionId: 'late' }]);
  const body = { reason: 'a new customer', tenant: 'initech', providerConfigKey: 'notion' };
  expect(await refused('/api/notices/late/admit', { ...body, tenant: 'a:b' })).toEqual([400, 'bad_request']);
  const admitted = await operator.post<AdmitAnswer>('/api/notices/late/admit', body);
  expect(admitted).toMatchObject({ outcome: 'updated', connection: { workspaceId: 'initech', status: 'active' } });
  expect((await operator.get<TenantsAnswer>('/api/tenants')).leftToYou).toEqual([]);
  expect(await audited(admitted.actionId)).toMatchObject({ action: 'connections.add', workspaceId: 'initech', counts: { updated: 1 } });
  expect(await refused('/api/notices/late/admit', body)).toEqual([404, 'unknown_notice']);
});

test('a database that differs is fetched, one that is equal is not', async () => {
  const path = `/api/tenants/acme/databases/${databaseId}/fetch`;
  const equal = await operator.post<FetchAnswer>(path, { reason: 'see' });
  expect(equal).toMatchObject({ appended: 0, check: { verdict: 'equal' } });
  await scene.user.editDataSource(source, { properties: { Due: { date: {} } } });
  const fetched = await operator.post<FetchAnswer>(path, { reason: 'it is old' });
  expect(fetched).toMatchObject({ appended: 1, check: { verdict: 'different' } });
  expect(await audited(fetched.actionId)).toMatchObject({
    action: 'verify.fix',
    target: { databaseId },
    counts: { differences: 1, appended: 1 },
  });
  expect(await events()).toHaveLength(1);
});

const replayPlan = async (order: ReplayPlanOrder) => operator.post<ReplayPlanAnswer>('/api/replays/plan', order);

test('events are replayed by a job, which shows its replay', async () => {
  const plan = await replayPlan({ source: 'events', into: 'mirror', tenant: 'acme' });
  expect(plan).toMatchObject({ records: 1, fetches: { targets: 1, withoutConnection: 0 }, notionCalls: 2 });
  const job = await operator.post<JobAnswer>(`/api/plans/${plan.id}/run`, { reason: 'again' });
  const done = await ended(job);
  expect(done).toMatchObject({
    state: 'done',
    action: 'replay.run',
    planned: 1,
    done: 1,
    counts: { appended: 1 },
    replayId: expect.any(String),
  });
  expect(await operator.get(`/api/replays/${done.replayId}`)).toMatchObject({ replay: { status: 'done' } });
  expect(await events()).toHaveLength(2);
  for (const order of [
    { source: 'events', into: 'shadow' },
    { source: 'states', into: 'mirror', offsets: ['0:1'] },
    { source: 'states', into: 'shadow', tenant: 'acme' },
  ]) {
    expect(await refused('/api/replays/plan', order)).toEqual([400, 'bad_request']);
  }
});

test('an unfinished replay keeps another from being planned, and is cancelled', async () => {
  const replays = scene.db.collection<{ _id: string }>('replays');
  const now = new Date();
  const order = { source: 'events', into: 'mirror', workspaceId: null, databaseId: null, since: null };
  const times = { startedAt: now, updatedAt: now, holder: 'gone', heldUntil: now };
  await replays.insertOne({ _id: 'left', ...order, ...times, status: 'running', ranges: [], counts: {} } as { _id: string });
  expect(await refused('/api/replays/plan', { source: 'states', into: 'mirror' })).toEqual([409, 'replay_unfinished']);
  const cancelled = await operator.post<CancelAnswer>('/api/replays/left/cancel', { reason: 'not needed' });
  expect(cancelled.replay.status).toBe('cancelled');
  expect(await audited(cancelled.actionId)).toMatchObject({ action: 'replay.cancel', target: { replayId: 'left' } });
});

test('a shadow takes the place of the mirror after a fresh comparison only', async () => {
  const { id } = await replayPlan({ source: 'states', into: 'shadow' });
  const built = await ended(await operator.post<JobAnswer>(`/api/plans/${id}/run`, { reason: 'rebuild' }));
  const path = `/api/replays/${built.replayId}/switch`;
  const body = { reason: 'rebuilt', confirm: 'switch' };
  expect(await refused(path, { reason: 'rebuilt' })).toEqual([400, 'bad_request']);
  expect(await refused(path, body)).toEqual([409, 'no_fresh_diff']);

  const read = operator.follow(`/api/replays/${built.replayId}/diff`);
  const { value } = await read.next();
  // No state was ever appended.
  expect(value).toMatchObject({
    event: 'diff',
    data: { shadow: 0, counts: { only_in_mirror: 1 } } satisfies Partial<ReplayDiffAnswer> | object,
  });
  await read.return(undefined);
  const states = [databaseStates, rowStates].map((contract) => stateLogOf(scene.log.prefix, contract).topic);
  const logs = scene.db.collection<{ _id: string }>('state_log');
  const began = await operator.post<JobAnswer>(path, body);
  let switched = began;
  await until(async () => {
    // As a sync-worker does that has noticed the switch.
    for (const _id of states) await logs.updateOne({ _id }, [{ $set: { snapshotTime: '$$CLUSTER_TIME' } }], { upsert: true });
    switched = await operator.get<JobAnswer>(`/api/jobs/${began.id}`);
    return switched.state !== 'running';
  });
  expect(switched).toMatchObject({ state: 'done', action: 'replay.switch', canStop: false, counts: { only_in_mirror: 1 } });
  expect(await scene.db.collection('database_records').countDocuments()).toBe(0);
  expect(await operator.get(`/api/replays/${built.replayId}`)).toMatchObject({ replay: { status: 'switched' } });
  expect(await refused(path, body)).toEqual([409, 'no_shadow']);
});
