import { readFileSync } from 'node:fs';
import { until } from '@notion-mirror/event-log/testing/isolated-log';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import type { Paged } from './answers/common.ts';
import { idOf, large, seedLargeMirror, tenantOf, tenants } from '../../../packages/mirror-store/test/large-mirror.ts';
import { startConsoleProcess } from './testing/console-process.ts';
import { routeHeads } from './testing/route-heads.ts';
import { openTestConsole, type RunningConsole, type TestConsole } from './testing/test-console.ts';

// With 10,000 tenants no page reads more than it shows, as MongoDB's profiler tells. `MIRROR_TEST_RECORDS`: databases and rows; the full test has 1,000,000.
const records = Number(process.env['MIRROR_TEST_RECORDS'] ?? 100_000);

/** Requests of each address. */
const rounds = 20;

let tested: TestConsole;
let operator: RunningConsole;

beforeAll(async () => {
  tested = await openTestConsole(inject('stack'));
  await seedLargeMirror(tested.mongo.db, records);
  await until(() => [...tested.directory.all()].length === tenants);
  operator = await tested.start({});
  await tested.mongo.db.command({ profile: 2 });
}, 1_800_000);
afterAll(async () => {
  await tested.mongo.db.command({ profile: 0 });
  await tested.close();
});

interface Profiled {
  readonly ns: string;
  readonly op: string;
  readonly command: Readonly<Record<string, unknown>>;
  readonly originatingCommand?: Readonly<Record<string, unknown>>;
  readonly docsExamined?: number;
  readonly keysExamined?: number;
  readonly millis: number;
  readonly planSummary?: string;
}

/** What the console has read since the last call; its change streams read MongoDB's own log. */
async function profiled(): Promise<Profiled[]> {
  const { db } = tested.mongo;
  const found = await db
    .collection<Profiled>('system.profile')
    .find({ op: { $in: ['query', 'command', 'getmore'] }, ns: { $not: /system\.profile/ } })
    .toArray();
  await db.command({ profile: 0 });
  await db.collection('system.profile').drop();
  await db.command({ profile: 2 });
  const isRead = ({ command, originatingCommand = command }: Profiled): boolean =>
    !JSON.stringify(originatingCommand).includes('$changeStream') &&
    ['find', 'aggregate', 'count', 'distinct'].some((name) => name in originatingCommand);
  return found.filter(isRead);
}

const database = `/api/tenants/${large}/databases/${idOf('database', 0)}`;

/** Each reading route: an address, and what the answer shows in addition to its lines (what is counted or measured with them). */
const lists: readonly [string, string, { readonly extra?: number }?][] = [
  ['/api/tenants', '/api/tenants?sort=name'],
  ['/api/tenants', '/api/tenants'],
  ['/api/tenants', '/api/tenants?state=unauthorized'],
  ['/api/tenants/:tenant/databases', `/api/tenants/${large}/databases`],
  ['/api/tenants/:tenant/databases', `/api/tenants/${large}/databases?q=plan+7`],
  ['/api/tenants/:tenant/databases', `/api/tenants/${large}/databases?removed=1`],
  ['/api/tenants/:tenant/databases/:database/history', `${database}/history`],
  ['/api/tenants/:tenant/databases/:database/rows', `${database}/rows`],
  ['/api/events', '/api/events'],
  ['/api/events', `/api/events?tenant=${large}`],
  ['/api/events', `/api/events?about=${idOf('database', 0)}`],
  ['/api/events', '/api/events?needsLook=1'],
  ['/api/replays', '/api/replays'],
  ['/api/sweeps', '/api/sweeps'],
  ['/api/sweeps', '/api/sweeps?state=waiting'],
  ['/api/dead-letters', '/api/dead-letters'],
  ['/api/dead-letters/letters', '/api/dead-letters/letters'],
  ['/api/audit', '/api/audit'],
  ['/api/audit', '/api/audit?who=operator-1'],
];

test.each(lists)('%s: each page of %s examines at most twice the documents that it shows', async (_route, path) => {
  let next: string | null = null;
  for (let page = 0; page < 3; page += 1) {
    await profiled();
    const cursor: string = next === null ? '' : `${path.includes('?') ? '&' : '?'}cursor=${next}`;
    const answer: Paged & Readonly<Record<string, unknown>> = await operator.get(`${path}${cursor}`);
    const shown = Object.values(answer).reduce<number>((sum, value) => sum + (Array.isArray(value) ? value.length : 0), 0);
    const reads = await profiled();
    expect(examinedBy(reads, `${path} (page ${page + 1})`, 2 * shown + page + 10)).toMatchObject({ isBounded: true });
    next = answer.next ?? null;
    if (next === null) break;
  }
});

/** Things, and how many documents one may be made of. */
const things: readonly [string, string, number][] = [
  ['/api/me', '/api/me', 0],
  // The shown tenants and events, the workers, what is silent or incomplete.
  ['/api/status', '/api/status', 100],
  ['/api/tenants/:tenant', `/api/tenants/${large}`, 60],
  ['/api/tenants/:tenant', `/api/tenants/${tenantOf(7)}`, 60],
  ['/api/tenants/:tenant/databases/:database', database, 20],
  ['/api/tenants/:tenant/databases/:database/raw', `${database}/raw`, 2],
  ['/api/tenants/:tenant/rows/:page', `/api/tenants/${large}/rows/${idOf('row', 5)}`, 6],
  ['/api/events/:id', '/api/events/event-5', 10],
  ['/api/find', `/api/find?q=${idOf('database', 3)}`, 10],
  ['/api/find', `/api/find?q=${idOf('source', 3)}`, 10],
  ['/api/find', `/api/find?q=${idOf('row', 3)}`, 10],
  ['/api/find', '/api/find?q=tenant-000', 2],
  ['/api/config', '/api/config', 0],
  // A document of each worker and minute.
  ['/api/history', '/api/history', 8 * 61],
];

test.each(things)('%s: %s examines no more than it is made of', async (_route, path, most) => {
  // Without the samples that others have taken.
  const fresh = await tested.start({});
  await profiled();
  await fresh.get(path);
  expect(examinedBy(await profiled(), path, most)).toMatchObject({ isBounded: true });
});

test.each([
  ['a database', idOf('database', 3)],
  ['a data source', idOf('source', 3)],
  ['a row', idOf('row', 3)],
  ['an event', 'event-5'],
])('explain finds %s without asking for each tenant', async (_name, id) => {
  await profiled();
  for await (const { event } of operator.follow(`/api/explain/${id}?notion=0`)) if (event === 'done') break;
  const reads = await profiled();
  // Twice: what MongoDB knows, and again with what Kafka knows.
  expect(examinedBy(reads, `explain ${id}`, 60)).toMatchObject({ isBounded: true });
  expect(reads.length).toBeLessThan(60);
});

test('every reading route is measured', () => {
  const measured = new Set([...lists, ...things].map(([route]) => route));
  // Streams are followed above or read no records; one letter, one replay and one job are read by their place, the doctor counts, and a diff compares all.
  const others = [
    '/api/stream',
    '/api/explain/:id',
    '/api/doctor',
    '/api/dead-letters/:partition/:offset',
    '/api/replays/:id',
    '/api/jobs/:id',
    '/api/jobs/:id/stream',
    '/api/replays/:id/diff',
  ];
  const missing = routeHeads().filter(({ method, path }) => method === 'GET' && !measured.has(path) && !others.includes(path));
  expect(missing.map(({ path }) => path)).toEqual([]);
});

// Times are printed, not asserted: they are those of the machine in that hour.
test('every answer comes from a process of its own, which is measured', async () => {
  await tested.mongo.db.command({ profile: 0 });
  const service = startConsoleProcess({ ...tested.env, MIRROR_CONSOLE_PAGE: '/nowhere' });
  onTestFinished(async () => {
    service.kill('SIGTERM');
    await service.exited;
  });
  await expect.poll(() => service.port('console port listens'), { timeout: 60_000 }).not.toBe(0);
  const origin = `http://127.0.0.1:${service.port('console port listens')}`;
  const atFirst = residentMbOf(service.pid);
  const paths = {
    lists: lists.map(([, path]) => path).filter((path) => !path.startsWith('/api/dead-letters')),
    'one thing': things.map(([, path]) => path).filter((path) => path !== '/api/status'),
    overview: ['/api/status'],
  };
  const p95: Record<string, number> = {};
  for (const [what, each] of Object.entries(paths)) {
    const times = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const path of each) {
        const began = performance.now();
        const answer = await fetch(`${origin}${path}`);
        await answer.arrayBuffer();
        // The first round compiles and connects.
        if (round > 0) times.push(performance.now() - began);
        expect([path, answer.status]).toEqual([path, 200]);
      }
    }
    p95[what] = Math.round(times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN);
  }
  console.log({ records, 'p95, ms': p95, 'memory, MB': [atFirst, residentMbOf(service.pid)] });
});

function residentMbOf(pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_000);
}

/** How many documents the reads have examined, at most `most`; the heaviest of them. */
function examinedBy(reads: readonly Profiled[], what: string, most: number): object {
  const examined = reads.reduce((sum, { docsExamined = 0 }) => sum + docsExamined, 0);
  const heaviest = reads
    .toSorted((a, b) => (b.docsExamined ?? 0) - (a.docsExamined ?? 0))
    .slice(0, 4)
    .map(({ ns, docsExamined, keysExamined, planSummary, millis }) => ({ ns, docsExamined, keysExamined, planSummary, millis }));
  return { what, examined, heaviest, isBounded: examined <= most };
}
