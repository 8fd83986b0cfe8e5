import { readAll, until } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { openOperatorActions } from '@notion-mirror/mirror-store/operator-actions';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { mirror } from '../../../cli/test/surroundings.ts';
import type { AuditAnswer } from './answers/audit.ts';
import type { JobAnswer } from './answers/jobs.ts';
import type { PlanAnswer } from './answers/plans.ts';
import { createUndertaker, type Undertaker } from './testing/buried-letters.ts';
import { startConsoleProcess, type ConsoleProcess } from './testing/console-process.ts';
import { openTestConsole, type RunningConsole, type TestConsole } from './testing/test-console.ts';

let tested: TestConsole;
let undertaker: Undertaker;
let env: Record<string, string>;
let next: RunningConsole;
beforeAll(async () => {
  const stack = inject('stack');
  tested = await openTestConsole(stack);
  undertaker = await createUndertaker(tested.log, tested.mongo.db);
  const uri = new URL(stack.mongodbUri);
  uri.pathname = `/${tested.mongo.db.databaseName}`;
  env = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: uri.href,
    MIRROR_TOPIC_PREFIX: tested.log.prefix,
    MIRROR_CONSOLE_PAGE: '/nowhere',
  };
});
afterAll(async () => {
  await undertaker.stop();
  await tested.close();
});

const post = async <T>(console: ConsoleProcess, path: string, body: object): Promise<T> => {
  const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
  const url = `http://127.0.0.1:${console.port('console port listens')}${path}`;
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as T;
};

test('another console goes on with the job of a killed one, and the trail shows one action that ended', async () => {
  const letters = await undertaker.bury(Array.from({ length: 30 }, (_, n) => n));
  await undertaker.handle(letters);
  const killed = startConsoleProcess(env);
  await until(() => killed.port('console port listens') !== 0);
  const plan = await post<PlanAnswer>(killed, '/api/plans', { action: 'redrive', filter: { class: 'poison' } });
  const job = await post<JobAnswer>(killed, `/api/plans/${plan.id}/run`, { reason: 'to be killed', canary: false, perSecond: 5 });
  const { events } = topicsFor(tested.log.prefix);
  const redriven = async () => (await readAll(tested.log.kafka, events)).map(({ headers }) => headers['ce_id']);
  await until(async () => (await redriven()).length >= 5);
  killed.kill('SIGKILL');
  await killed.exited;
  expect((await redriven()).length).toBeLessThan(30);

  next = await tested.start({});
  const jobOf = async () => next.get<JobAnswer>(`/api/jobs/${job.id}`);
  // Until the killed one no longer holds it, no other process can know that it was killed.
  expect(['running', 'interrupted']).toContain((await jobOf()).state);
  await until(async () => (await jobOf()).state === 'done');
  expect(await jobOf()).toMatchObject({ planned: 30, done: 30, left: 0, failure: null, counts: { redriven: 30, settledMeanwhile: 0 } });
  // The part that was in flight may be there twice.
  expect(new Set(await redriven())).toEqual(new Set(letters.map(({ eventId }) => eventId)));

  const { actions } = await next.get<AuditAnswer>('/api/audit');
  expect(actions).toMatchObject([{ id: job.id, outcome: 'done', isJob: true, reason: 'to be killed', endedAt: expect.any(String) }]);
  const listed = await mirror(['audit', 'list', '--json'], { env });
  expect((JSON.parse(listed.stdout) as AuditAnswer).actions).toEqual(actions);
  expect((await mirror(['audit', 'list'], { env })).stdout).toMatch(/not signed in \(console\) +dead_letters\.redrive .*done, redriven 30/);
});

test('a job that no process holds is shown as interrupted, and a killed command as begun', async () => {
  // One that runs would take it.
  await next.stop();
  await tested.mongo.db.collection('operator_actions').deleteMany({});
  const at = new Date();
  const common = {
    at,
    who: 'ann',
    workspaceId: null,
    target: {},
    reason: null,
    version: '0',
    outcome: 'begun',
    endedAt: null,
    counts: {},
    failure: null,
  };
  const action = 'dead_letters.drop' as const;
  await openOperatorActions(tested.mongo.db).begin({ ...common, via: 'cli', action });
  const left = { plan: { kind: 'letters' }, progress: {}, holder: 'gone', heldUntil: new Date(at.getTime() - 1), isStopAsked: false };
  await tested.mongo.db.collection('operator_actions').insertOne({ ...common, via: 'console', action, job: left });
  const { stdout } = await mirror(['audit', 'list', '--json'], { env });
  expect((JSON.parse(stdout) as AuditAnswer).actions.map(({ outcome, isJob }) => [outcome, isJob])).toEqual([
    ['interrupted', true],
    ['begun', false],
  ]);
});
