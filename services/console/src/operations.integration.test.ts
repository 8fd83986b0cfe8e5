import { randomUUID } from 'node:crypto';
import { deadLetterRecord } from '@notion-mirror/event-log/dead-letters';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { silent } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { openOperatorActions } from '@notion-mirror/mirror-store/operator-actions';
import { createReplays } from '@notion-mirror/mirror-store/replays';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setRowsScene } from '../../../cli/test/rows-scene.ts';
import type { AuditAnswer } from './answers/audit.ts';
import type { DeadLettersAnswer, LetterAnswer, LettersAnswer } from './answers/dead-letters.ts';
import type { ConfigAnswer, DoctorAnswer } from './answers/doctor.ts';
import type { ReplayAnswer, ReplaysAnswer } from './answers/replays.ts';
import type { SweepsAnswer } from './answers/sweeps.ts';
import { consolesOn, type Consoles, type RunningConsole } from './testing/test-console.ts';

let scene: Awaited<ReturnType<typeof setRowsScene>>;
let consoles: Consoles;
let operator: RunningConsole;

beforeAll(async () => {
  scene = await setRowsScene('console_operations');
  const publisher = await createPublisher({ kafka: scene.log.kafka, logger: silent, metrics: new Registry(), deadlineMs: 30_000 });
  const topics = topicsFor(scene.log.prefix);
  const bury = async (n: number) => {
    const failedAt = new Date(Date.UTC(2026, 0, 1, 0, 0, n));
    const record = {
      topic: topics.events,
      partition: 0,
      offset: BigInt(n),
      timestamp: failedAt.getTime(),
      key: Buffer.from(n < 110 ? 'acme' : 'globex'),
      value: Buffer.from(`bytes of "a customer" ${n}`),
      headers: { ce_id: randomUUID(), ce_type: 'database.created' },
    };
    const failure = { class: 'poison', code: n < 3 ? 'undecodable' : 'unknown_schema', message: 'bad bytes' } as const;
    const about = { attempts: 1, firstFailedAt: failedAt, failedAt, service: 'sync-worker', group: 'g' };
    await publisher.publish(deadLetterRecord({ topic: topics.deadLetters, record, failure, ...about }));
  };
  await Promise.all(Array.from({ length: 120 }, async (_, n) => bury(n)));
  await publisher.stop();
  consoles = await consolesOn(scene.env);
  operator = await consoles.start({});
}, 120_000);
afterAll(async () => {
  await consoles.close();
  await scene.end();
});

const byTenant = (a: { workspaceId: string }, b: { workspaceId: string }) => (a.workspaceId < b.workspaceId ? -1 : 1);
const ids = ({ checks }: Pick<DoctorAnswer, 'checks'>) => checks.map(({ id, status }) => `${id} ${status}`);
const mirrorJson = async (...args: string[]) => JSON.parse((await scene.mirror(...args, '--json')).stdout) as Record<string, unknown>;

test('dead letters are grouped by cause as the command groups them', async () => {
  const { ok: _ok, ...command } = await mirrorJson('dead-letters', 'list');
  expect(await operator.get<DeadLettersAnswer>('/api/dead-letters')).toEqual(command);
  expect(command).toMatchObject({
    letters: 120,
    tenants: 2,
    causes: [
      { code: 'unknown_schema', count: 117 },
      { code: 'undecodable', count: 3 },
    ],
  });
});

test('dead letters are listed newest first, page by page', async () => {
  const first = await operator.get<LettersAnswer>('/api/dead-letters/letters');
  const second = await operator.get<LettersAnswer>(`/api/dead-letters/letters?cursor=${first.next}`);
  const letters = [...first.letters, ...second.letters];
  expect([first.letters.length, letters.length, second.next]).toEqual([100, 120, null]);
  expect(new Set(letters.map(({ ref }) => ref)).size).toBe(120);
  const times = letters.map(({ failedAt }) => failedAt);
  expect(times).toEqual(times.toSorted().toReversed());
  expect((await operator.get<LettersAnswer>('/api/dead-letters/letters?code=undecodable')).letters).toHaveLength(3);
  expect((await operator.get<LettersAnswer>('/api/dead-letters/letters?tenant=globex')).letters).toHaveLength(10);
});

test('one dead letter is shown as the command shows it, and without its bytes where content is hidden', async () => {
  const [{ ref } = { ref: '' }] = (await operator.get<LettersAnswer>('/api/dead-letters/letters')).letters;
  const path = `/api/dead-letters/${ref.replace(':', '/')}`;
  const { letter } = await operator.get<LetterAnswer>(path);
  expect({ letter }).toEqual({ letter: (await mirrorJson('dead-letters', 'show', ref))['letter'] });
  expect(letter.value.preview?.text).toContain('a customer');
  const hidden = await consoles.start({ MIRROR_CONSOLE_CONTENT: 'off' });
  expect((await hidden.ask(path)).text).not.toContain('a customer');
  expect(await operator.ask('/api/dead-letters/0/4711')).toMatchObject({ status: 404, json: { error: { code: 'unknown_dead_letter' } } });
});

test('replays are listed, and one has its partitions', async () => {
  const replays = createReplays(scene.db);
  const order = { source: 'events', workspaceId: null, databaseId: null, into: 'mirror', since: null } as const;
  const { id } = await replays.create(order, [{ partition: 0, from: 0, next: 3, to: 9 }]);
  const [first] = (await operator.get<ReplaysAnswer>('/api/replays')).replays;
  expect(first).toEqual((await mirrorJson('replay', 'status'))['replay']);
  const one = await operator.get<ReplayAnswer>(`/api/replays/${id}`);
  expect(one).toMatchObject({
    replay: { offsetsDone: 3, offsets: 9 },
    partitions: [{ topic: null, partition: 0, from: 0, next: 3, to: 9 }],
  });
  expect((await operator.ask('/api/replays/none')).status).toBe(404);
});

test('sweeps are listed the worst first, as the command tells them', async () => {
  const at = new Date();
  const last = { startedAt: at, endedAt: at, depth: 'search', held: 9, found: 1, events: {}, removals: 8, stopped: false };
  const document = (_id: string, change: object) => ({
    _id,
    activation: at,
    dueAt: at,
    claimedUntil: at,
    claimedBy: null,
    failures: 0,
    failure: null,
    request: null,
    answered: null,
    lastStartedAt: at,
    completedAt: at,
    last,
    ...change,
  });
  const many = Array.from({ length: 120 }, (_, n) => document(`tenant-${String(n).padStart(3, '0')}`, {}));
  const stopped = document('zorg', { last: { ...last, stopped: true } });
  const failing = document('yoyodyne', { failures: 2, failure: 'no answer' });
  await scene.db.collection<{ _id: string }>('sweeps').insertMany([...many, stopped, failing]);

  const first = await operator.get<SweepsAnswer>('/api/sweeps');
  expect(first.counts).toEqual({ stopped: 1, failing: 1, incomplete: 0, running: 0, waiting: 120 });
  expect(first.sweeps.slice(0, 3).map(({ workspaceId }) => workspaceId)).toEqual(['zorg', 'yoyodyne', 'tenant-000']);
  const second = await operator.get<SweepsAnswer>(`/api/sweeps?cursor=${first.next}`);
  expect([first.sweeps.length, second.sweeps.length, second.next]).toEqual([100, 22, null]);
  const command = (await mirrorJson('reconcile', 'status'))['tenants'] as readonly { readonly workspaceId: string }[];
  expect([...first.sweeps, ...second.sweeps].toSorted(byTenant)).toEqual(command.toSorted(byTenant));
});

test('the doctor checks what the command checks, and the settings hold no secret', async () => {
  const read = operator.follow('/api/doctor');
  const { value } = await read.next();
  expect(await read.next()).toMatchObject({ value: { event: 'done' } });
  await read.return(undefined);
  const command = await mirrorJson('doctor');
  expect(ids(value?.data as DoctorAnswer)).toEqual(ids(command as unknown as DoctorAnswer));

  const config = await operator.get<ConfigAnswer>('/api/config');
  expect(config.settings).toContainEqual({ variable: 'MIRROR_ENCRYPTION_KEY', origin: 'environment', shown: '(set)' });
  expect(JSON.stringify(config)).not.toContain(scene.env.MIRROR_ENCRYPTION_KEY);
});

test('what operators did is listed as the command lists it, page by page and by filter', async () => {
  await scene.mirror('connections', 'pause', 'own', '--reason', 'asked for');
  await scene.mirror('connections', 'resume', 'own');
  await scene.mirror('reconcile', 'run', 'umbrella');
  const { actions: command } = await mirrorJson('audit', 'list');
  const { actions, next } = await operator.get<AuditAnswer>('/api/audit');
  expect(actions).toEqual(command);
  expect(next).toBeNull();
  expect(actions.map(({ action, outcome, reason }) => [action, outcome, reason])).toEqual([
    ['reconcile.run', 'failed', null],
    ['connections.resume', 'done', null],
    ['connections.pause', 'done', 'asked for'],
  ]);
  const [, resumed] = actions;
  const of = async (query: string) => (await operator.get<AuditAnswer>(`/api/audit?${query}`)).actions;
  expect(await of('action=connections.resume')).toEqual([resumed]);
  expect(await of('tenant=acme')).toEqual(actions.slice(1));
  expect(await of('who=stranger')).toEqual([]);
  expect((await operator.ask('/api/audit?action=fly')).status).toBe(400);

  const later = { who: 'bob', via: 'console', workspaceId: null, target: {}, reason: null, version: '0' } as const;
  const trail = openOperatorActions(scene.db);
  for (let n = 0; n < 98; n += 1) await trail.begin({ ...later, at: new Date(), action: 'replay.cancel' });
  const first = await operator.get<AuditAnswer>('/api/audit');
  const second = await operator.get<AuditAnswer>(`/api/audit?cursor=${first.next}`);
  expect([first.actions.length, second.actions.length, second.next]).toEqual([100, 1, null]);
  expect(second.actions).toEqual(actions.slice(2));
});
