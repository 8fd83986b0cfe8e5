import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { readAll, until } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { mirror } from '../../../cli/test/surroundings.ts';
import type { AuditAnswer } from './answers/audit.ts';
import type { LettersAnswer } from './answers/dead-letters.ts';
import type { JobAnswer } from './answers/jobs.ts';
import type { PlanAnswer, PlanOrder, RunOrder } from './answers/plans.ts';
import { createUndertaker, type Buried, type Undertaker } from './testing/buried-letters.ts';
import { openTestConsole, type RunningConsole, type TestConsole } from './testing/test-console.ts';

const stack = inject('stack');
let tested: TestConsole;
let operator: RunningConsole;
let undertaker: Undertaker;
let events: string;

beforeAll(async () => {
  tested = await openTestConsole(stack);
  operator = await tested.start({});
  undertaker = await createUndertaker(tested.log, tested.mongo.db);
  ({ events } = topicsFor(tested.log.prefix));
});
afterAll(async () => {
  await undertaker.stop();
  await tested.close();
});

/** Each test has letters of its own. */
const newCode = () => `c_${randomUUID().slice(0, 8)}`;
const numbers = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);

const planned = async (order: PlanOrder, console = operator) => console.post<PlanAnswer>('/api/plans', order);
const run = async ({ id }: PlanAnswer, order: RunOrder, console = operator) => console.post<JobAnswer>(`/api/plans/${id}/run`, order);
const jobOf = async ({ id }: Pick<JobAnswer, 'id'>, console = operator) => console.get<JobAnswer>(`/api/jobs/${id}`);
async function reached(job: Pick<JobAnswer, 'id'>, isSo: (job: JobAnswer) => boolean, console = operator): Promise<JobAnswer> {
  let last: JobAnswer | null = null;
  await until(async () => {
    last = await jobOf(job, console);
    return isSo(last);
  });
  return last ?? (await jobOf(job, console));
}
const isIn =
  (...states: JobAnswer['state'][]) =>
  (job: JobAnswer) =>
    states.includes(job.state);
const redriven = async (letters: readonly Buried[]) => {
  const ids = new Set(letters.map(({ eventId }) => eventId));
  return (await readAll(tested.log.kafka, events)).filter(({ headers }) => ids.has(headers['ce_id'] ?? '')).length;
};
const mirrorJson = async <T>(...args: readonly string[]): Promise<T> => {
  const env = { MIRROR_KAFKA_BROKERS: stack.kafkaBrokers, MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl };
  const mongodb = new URL(stack.mongodbUri);
  mongodb.pathname = `/${tested.mongo.db.databaseName}`;
  const all = { ...env, MIRROR_MONGODB_URI: mongodb.href, MIRROR_TOPIC_PREFIX: tested.log.prefix };
  const { stdout } = await mirror(['dead-letters', ...args, '--json'], { env: all });
  return JSON.parse(stdout) as T;
};
const waiting = async (code: string) => (await mirrorJson<{ letters: number }>('list', '--code', code)).letters;

test('a plan counts its letters by cause, tenant and target, as the command does', async () => {
  const code = newCode();
  await undertaker.bury([100, 101, 102], { code, tenant: 'globex' });
  await undertaker.bury([103], { code, tenant: 'initech' });
  await undertaker.buryWebhooks(['{}'], code);
  const { byTenant, moreTenants, targets, heldBack } = await planned({ action: 'redrive', filter: { code } });
  expect({ byTenant, moreTenants }).toEqual({
    byTenant: [
      { workspaceId: 'globex', letters: 3 },
      { workspaceId: 'initech', letters: 1 },
    ],
    moreTenants: 0,
  });
  expect(targets).toEqual([{ target: events, letters: 4 }]);
  expect(heldBack).toMatchObject([{ letters: 1 }]);
  const { plan } = await mirrorJson<{ plan: object }>('redrive', '--code', code, '--dry-run');
  expect(plan).toMatchObject({ letters: 4, byTenant, moreTenants, targets: { [events]: 4 } });

  const dropped = await planned({ action: 'drop', filter: { code } });
  expect(dropped.byTenant).toEqual([byTenant[0], { workspaceId: null, letters: 1 }, byTenant[1]]);
});

test('exactly the letters of the plan are settled, and the command agrees', async () => {
  const code = newCode();
  const first = await undertaker.bury(numbers(0, 2), { code });
  const between = await undertaker.bury([2], { code: newCode() });
  const letters = [...first, ...(await undertaker.bury(numbers(3, 2), { code }))];
  await undertaker.handle(letters);
  const plan = await planned({ action: 'redrive', filter: { code } });
  expect(plan).toMatchObject({
    letters: 4,
    tenants: 1,
    targets: [{ target: events, letters: 4 }],
    heldBack: [],
    settled: 0,
    notionCalls: 0,
    confirmCount: false,
    causes: [{ code, count: 4 }],
  });
  const late = await undertaker.bury([5], { code });
  const job = await run(plan, { reason: 'fixed the schema' });
  const done = await reached(job, isIn('done', 'failed', 'stopped'));
  expect(done).toMatchObject({ state: 'done', planned: 4, done: 4, left: 0, failed: 0, failure: null, canary: null, via: 'console' });
  expect(done.cameBack.letters).toBe(0);
  expect([await redriven(letters), await redriven([...between, ...late]), await waiting(code)]).toEqual([4, 0, 1]);
  expect((await operator.get<LettersAnswer>(`/api/dead-letters/letters?code=${code}`)).letters.map(({ eventId }) => eventId)).toEqual(
    late.map(({ eventId }) => eventId),
  );
  const { actions } = await operator.get<AuditAnswer>('/api/audit?action=dead_letters.redrive');
  expect(actions.find(({ id }) => id === job.id)).toMatchObject({
    outcome: 'done',
    isJob: true,
    reason: 'fixed the schema',
    target: { code, planned: 4 },
    counts: { redriven: 4, remaining: 0, cameBack: 0 },
  });
  expect(await operator.ask(`/api/plans/${plan.id}/run`, posted({ reason: 'again' }))).toMatchObject({
    status: 404,
    json: { error: { code: 'unknown_plan' } },
  });
});

test('letters of the canary that come back stop the rest, which an operator can continue', async () => {
  const code = newCode();
  const letters = await undertaker.bury(numbers(100, 8), { code });
  const job = await run(await planned({ action: 'redrive', filter: { code } }), { reason: 'try' });
  const waits = await reached(job, isIn('waiting'));
  expect(waits).toMatchObject({ done: 5, left: 3, canary: { letters: 5, until: expect.any(String) } });
  await undertaker.buryAgain(letters.slice(0, 2));
  const stopped = await reached(job, isIn('done', 'stopped'));
  expect(stopped).toMatchObject({ state: 'stopped', done: 5, left: 3, failure: { code: 'came_back' }, canContinue: true, canStop: false });
  expect(stopped.failure?.message).toMatch(/of the first 5 came back/);
  expect(stopped.cameBack).toMatchObject({ causes: [{ code: 'still_undecodable' }] });
  expect(await redriven(letters)).toBe(5);

  await undertaker.handle(letters.slice(2));
  await operator.post(`/api/jobs/${job.id}/continue`, {});
  const done = await reached(job, isIn('done', 'stopped'));
  expect(done).toMatchObject({ state: 'done', done: 8, left: 0, cameBack: { letters: 2 }, failure: null });
  expect(await redriven(letters)).toBe(8);
});

test('a canary that is handled lets the rest follow', async () => {
  const code = newCode();
  const letters = await undertaker.bury(numbers(200, 8), { code });
  const job = await run(await planned({ action: 'redrive', filter: { code } }), { reason: 'try' });
  await reached(job, isIn('waiting'));
  expect(await redriven(letters)).toBe(5);
  await undertaker.handle(letters);
  expect(await reached(job, isIn('done', 'stopped'))).toMatchObject({ state: 'done', done: 8, cameBack: { letters: 0 } });
});

test('a job is stopped and continued, and goes on in another console when its own stops', async () => {
  const code = newCode();
  const letters = await undertaker.bury(numbers(300, 12), { code });
  await undertaker.handle(letters);
  const order = { reason: 'slowly', canary: false, perSecond: 2 };
  const job = await run(await planned({ action: 'redrive', filter: { code } }), order);
  await reached(job, ({ done }) => done >= 1);
  await operator.post(`/api/jobs/${job.id}/stop`, {});
  const stopped = await reached(job, isIn('stopped', 'done'));
  expect(stopped).toMatchObject({ state: 'stopped', failure: null, canContinue: true });
  expect(stopped.done + stopped.left).toBe(12);
  expect(stopped.left).toBeGreaterThan(0);
  expect(await redriven(letters)).toBe(stopped.done);
  expect(await operator.ask(`/api/jobs/${job.id}/stop`, posted({}))).toMatchObject({ status: 409 });

  const second = await tested.start({});
  await second.post(`/api/jobs/${job.id}/continue`, {});
  await reached(job, ({ done }) => done > stopped.done);
  await second.stop();
  const states: JobAnswer['state'][] = [];
  for await (const { event, data } of operator.follow(`/api/jobs/${job.id}/stream`)) {
    if (event === 'done') break;
    states.push((data as JobAnswer).state);
  }
  expect(states.at(-1)).toBe('done');
  expect(await jobOf(job)).toMatchObject({ done: 12, left: 0 });
  expect(await redriven(letters)).toBe(12);
});

test('unreadable webhooks are held back without an ingress, and posted to it with one; those still unreadable have come back', async () => {
  const code = newCode();
  await undertaker.buryWebhooks(['one', 'two'], code);
  const order: PlanOrder = { action: 'redrive', filter: { code } };
  const without = await planned(order);
  expect(without).toMatchObject({ letters: 0, heldBack: [{ letters: 2, reason: expect.stringContaining('MIRROR_CONSOLE_INGRESS_URL') }] });
  expect(await operator.ask(`/api/plans/${without.id}/run`, posted({ reason: 'x' }))).toMatchObject({ status: 409 });

  const taken: string[] = [];
  const take = async (body: string): Promise<string> => {
    taken.push(body);
    if (body !== 'two') return 'accepted';
    // As the ingress does: a new letter first.
    await undertaker.buryWebhooks([body], 'again');
    return 'quarantined';
  };
  const ingress = createServer((request, response) => {
    void (async () => response.end(JSON.stringify({ status: await take((await buffer(request)).toString()) })))();
  });
  await new Promise<void>((resolve) => ingress.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void ingress.close());
  const url = `http://127.0.0.1:${(ingress.address() as AddressInfo).port}`;
  const able = await tested.start({ MIRROR_CONSOLE_INGRESS_URL: url, MIRROR_NANGO_SIGNING_KEYS: 'a-key' });
  const plan = await planned(order, able);
  expect(plan).toMatchObject({ letters: 2, targets: [{ target: '/webhooks/nango', letters: 2 }], notionCalls: null });
  const job = await run(plan, { reason: 'fixed the parser' }, able);
  const handled = await reached(job, isIn('done', 'stopped', 'failed'), able);
  expect(handled).toMatchObject({
    state: 'done',
    cameBack: { letters: 1, causes: [{ code: 'again', class: 'unreadable' }] },
    counts: { redriven: 1, unreadable: 1 },
  });
  expect(taken.toSorted()).toEqual(['one', 'two']);
  expect(await waiting(code)).toBe(0);
});

test('a plan is dropped, and says what it holds back', async () => {
  const code = newCode();
  await undertaker.bury(numbers(400, 2), { code, tenant: 'globex' });
  const plan = await planned({ action: 'drop', filter: { code, tenant: 'globex' } });
  expect(plan).toMatchObject({ action: 'drop', letters: 2, targets: [], notionCalls: 0 });
  const job = await run(plan, { reason: 'a test' });
  expect(await reached(job, isIn('done', 'stopped'))).toMatchObject({ state: 'done', action: 'dead_letters.drop', counts: { dropped: 2 } });
  expect(await waiting(code)).toBe(0);
  expect(await planned({ action: 'drop', filter: { code } })).toMatchObject({ letters: 0 });
});

test('a plan that does not fit is refused, and does not run out by that', async () => {
  const code = newCode();
  const letters = await undertaker.bury(numbers(500, 51), { code });
  const plan = await planned({ action: 'drop', filter: { code } });
  expect(plan).toMatchObject({ letters: 51, confirmCount: true });
  const ask = async (body: object) => operator.ask(`/api/plans/${plan.id}/run`, posted(body));
  for (const [body, status] of [
    [{ reason: 'why' }, 409],
    [{ reason: 'why', count: 50 }, 409],
    [{ reason: '  ', count: 51 }, 400],
    [{ count: 51 }, 400],
    [{ reason: 'why', count: 51, perSecond: 0 }, 400],
  ] as const) {
    expect((await ask(body)).status).toBe(status);
  }
  expect(await waiting(code)).toBe(51);
  const job = await run(plan, { reason: 'all of them', count: 51, perSecond: 1_000 });
  expect(await reached(job, isIn('done', 'stopped'))).toMatchObject({ state: 'done', done: 51 });
  expect(await redriven(letters)).toBe(0);

  for (const order of [
    { action: 'redrive' },
    { action: 'redrive', filter: {} },
    { action: 'redrive', refs: ['x'] },
    { action: 'fly', filter: { code } },
  ]) {
    expect((await operator.ask('/api/plans', posted(order))).status).toBe(400);
  }
  expect((await operator.ask('/api/plans', posted({ action: 'drop', refs: ['0:4711'] }))).status).toBe(404);
  expect((await operator.ask('/api/jobs/000000000000000000000000')).status).toBe(404);
});

function posted(body: object) {
  return { method: 'POST', headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }, body };
}
