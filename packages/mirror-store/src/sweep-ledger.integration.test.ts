import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openTestDatabase } from '../test/mongo.ts';
import { createSweepLedger, type SweepClaim, type SweepLedger, type SweepReport } from './sweep-ledger.ts';

let mongo: Awaited<ReturnType<typeof openTestDatabase>>;
let ledger: SweepLedger;
beforeAll(async () => {
  mongo = await openTestDatabase();
  ledger = createSweepLedger(mongo.db);
});
beforeEach(async () => {
  await mongo.db.collection('sweeps').deleteMany({});
});
afterAll(async () => {
  await mongo.drop();
});

const minute = 60_000;
const tenant = (workspaceId: string, activation = new Date(1000)) => ({ workspaceId, activation });
const acme = tenant('acme');
const report = (changes: Partial<SweepReport> = {}): SweepReport => ({
  startedAt: new Date(2000),
  endedAt: new Date(3000),
  depth: 'full',
  held: 5,
  found: 5,
  events: { missing: 2 },
  removals: 0,
  stopped: false,
  ...changes,
});
const later = () => new Date(Date.now() + minute);
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
const due = () => all(ledger.due());
const isNew = async (of: typeof acme) => {
  const { free, taken } = await ledger.newlyActive([of]);
  return free.length > 0 ? 'free' : taken.length > 0 ? 'taken' : 'known';
};

async function claimed(of = acme, worker = 'worker-1', leaseMs = minute): Promise<SweepClaim> {
  const claim = await ledger.claim(of, worker, leaseMs);
  if (claim === null) throw new Error('it was not free');
  return claim;
}

test('a tenant is due at once until a sweep completes, then when its time comes, and after another activation', async () => {
  expect(await isNew(acme)).toBe('free');
  const claim = await claimed();
  expect(claim).toMatchObject({ lastStartedAt: null, request: null, failures: 0 });
  expect(await isNew(acme)).toBe('known');
  expect(await due()).toEqual([]);
  expect(await isNew(tenant('acme', new Date(5000)))).toBe('taken');
  await ledger.complete(claim, report(), later());
  expect(await due()).toEqual([]);
  expect(await ledger.claim(acme, 'worker-1', minute)).toBeNull();
  expect(await isNew(tenant('acme', new Date(5000)))).toBe('free');
  const again = await claimed(tenant('acme', new Date(5000)));
  expect(again.lastStartedAt).toEqual(new Date(2000));
  await ledger.complete(again, report(), new Date());
  expect(await due()).toEqual(['acme']);
  expect(await isNew(acme)).toBe('known');
});

test('the longest due comes first; one without an active connection is due later, or when an operator requests it', async () => {
  for (const [workspaceId, dueAt] of [
    ['globex', 3000],
    ['acme', 2000],
    ['initech', 1000],
  ] as const) {
    await ledger.complete(await claimed(tenant(workspaceId)), report(), new Date(dueAt));
  }
  expect(await due()).toEqual(['initech', 'acme', 'globex']);
  for await (const first of ledger.due()) {
    expect(first).toBe('initech');
    break;
  }
  await ledger.request('globex', { acceptRemovals: false });
  await ledger.postpone(['initech', 'globex'], later());
  expect(await due()).toEqual(['acme', 'globex']);
  await ledger.request('initech', { acceptRemovals: false });
  expect(new Set(await due())).toEqual(new Set(['initech', 'acme', 'globex']));
});

test('only one of many concurrent claims succeeds', async () => {
  const claims = await Promise.all(Array.from({ length: 10 }, (_, index) => ledger.claim(acme, `worker-${index}`, minute)));
  expect(claims.filter((claim) => claim !== null)).toHaveLength(1);
});

test('an expired claim is taken over, and its previous holder can no longer report', async () => {
  const lost = await claimed(acme, 'worker-1', 0);
  const taken = await claimed(acme, 'worker-2');
  expect(await ledger.renew(lost, minute)).toBe(false);
  await ledger.complete(lost, report({ held: 99 }), later());
  await ledger.recordFailure(lost, 'late', 0);
  await ledger.release(lost);
  expect(await ledger.list('acme')).toMatchObject([{ claimedBy: 'worker-2', last: null, failures: 0 }]);
  expect(await ledger.renew(taken, minute)).toBe(true);
});

test('a failed sweep waits and is still due; a released one is free', async () => {
  await ledger.recordFailure(await claimed(), 'Notion is unavailable', minute);
  expect(await due()).toEqual([]);
  expect(await ledger.list()).toMatchObject([{ failures: 1, failure: 'Notion is unavailable', claimedBy: null }]);
  // A newly active connection does not wait for that.
  const again = tenant('acme', new Date(5000));
  expect(await isNew(again)).toBe('free');
  await ledger.recordFailure(await claimed(again), 'Notion is unavailable', minute);
  expect(await isNew(again)).toBe('known');
  expect(await due()).toEqual([]);
  expect(await ledger.request('acme', { acceptRemovals: false })).not.toBeNull();
  await ledger.release(await claimed());
  expect(await claimed()).toMatchObject({ lastStartedAt: null });
});

test('a request is answered once, even when made while a sweep runs', async () => {
  expect(await ledger.request('acme', { acceptRemovals: true })).toBeNull();
  await ledger.complete(await claimed(), report(), later());
  await ledger.request('acme', { acceptRemovals: true });
  const asked = await claimed();
  expect(asked.request).toMatchObject({ acceptRemovals: true });
  await ledger.request('acme', { acceptRemovals: false });
  await ledger.complete(asked, report(), later());
  const askedMeanwhile = await claimed();
  expect(askedMeanwhile.request).toMatchObject({ acceptRemovals: false });
  await ledger.complete(askedMeanwhile, report(), later());
  expect(await ledger.claim(acme, 'worker-1', minute)).toBeNull();
});

test('the trace that events name stays until their sweep has ended', async () => {
  expect(await ledger.requestForEvents('acme', 'a')).toBeNull();
  await ledger.complete(await claimed(), report(), later());
  expect(await ledger.requestForEvents('acme', 'a')).toBe('a');
  expect(await ledger.requestForEvents('acme', 'b')).toBe('a');
  await ledger.request('acme', { acceptRemovals: true });
  const sweep = await claimed();
  expect(sweep.request).toMatchObject({ trace: 'a', acceptRemovals: true });
  await ledger.complete(sweep, report(), later());
  await ledger.request('acme', { acceptRemovals: false });
  const requested = await claimed();
  expect(requested.request).not.toHaveProperty('trace');
  // Made while a sweep runs, so another one answers it.
  expect(await ledger.requestForEvents('acme', 'c')).toBe('c');
  await ledger.complete(requested, report(), later());
  expect((await claimed()).request).toMatchObject({ trace: 'c', acceptRemovals: false });
});

test('tenants that were last swept before a time are due, the others are not', async () => {
  for (const workspaceId of ['acme', 'globex']) {
    const startedAt = new Date(workspaceId === 'acme' ? 2_999 : 3_000);
    await ledger.complete(await claimed(tenant(workspaceId)), report({ startedAt }), later());
  }
  await claimed(tenant('initech'));
  await ledger.outdate(new Date(3_000));
  expect(await due()).toEqual(['acme']);
});

test('an acceptance survives a later request without one, but applies to one sweep only', async () => {
  await ledger.complete(await claimed(), report(), later());
  await ledger.request('acme', { acceptRemovals: true });
  await ledger.request('acme', { acceptRemovals: false });
  const accepted = await claimed();
  expect(accepted.request).toMatchObject({ acceptRemovals: true });
  await ledger.request('acme', { acceptRemovals: false });
  await ledger.complete(accepted, report(), later());
  expect((await claimed()).request).toMatchObject({ acceptRemovals: false });
});

test('a sweep that began before a request does not answer it, even after a second request', async () => {
  const answered = async () => (await ledger.list('acme'))[0]?.answered ?? null;
  await ledger.complete(await claimed(), report(), later());
  expect(await answered()).toBeNull();
  const first = await ledger.request('acme', { acceptRemovals: false });
  const inFlight = await claimed();
  const [second, third] = [
    await ledger.request('acme', { acceptRemovals: false }),
    await ledger.request('acme', { acceptRemovals: false }),
  ];
  expect(third!.getTime()).toBeGreaterThan(second!.getTime());
  expect(await answered()).toBeNull();
  await ledger.complete(inFlight, report(), later());
  expect(await answered()).toEqual(first);
  await ledger.complete(await claimed(), report(), later());
  expect(await answered()).toEqual(third);
  // A new request never has the time of an answered one.
  expect((await ledger.request('acme', { acceptRemovals: false }))!.getTime()).toBeGreaterThan(third!.getTime());
});

test('a stopped sweep is not complete', async () => {
  await ledger.complete(await claimed(), report({ endedAt: new Date(3000) }), new Date());
  await ledger.complete(await claimed(), report({ endedAt: new Date(9000), stopped: true, removals: 3 }), later());
  expect(await ledger.list('acme')).toMatchObject([{ completedAt: new Date(3000), last: { stopped: true, removals: 3 } }]);
  await ledger.claim(tenant('globex'), 'worker-1', minute);
  expect(await ledger.stopped()).toEqual(['acme']);
  expect(await all(ledger.completions())).toEqual([
    { workspaceId: 'globex', completedAt: null },
    { workspaceId: 'acme', completedAt: new Date(3000) },
  ]);
});

test('a sweep that could not compare everything is incomplete, and records since when', async () => {
  const incomplete = { searches: [{ connectionId: 'c1', because: 'status 403' }], uncompared: 0, databases: [] };
  const first = await claimed();
  expect(first.incompleteSince).toBeNull();
  await ledger.complete(first, report({ incomplete }), new Date());
  expect(await ledger.incomplete()).toEqual(['acme']);
  expect(await ledger.list('acme')).toMatchObject([{ completedAt: null, failures: 0, last: { incomplete } }]);
  const second = await claimed();
  expect(second.incompleteSince).toEqual(new Date(2000));
  await ledger.complete(second, report({ incomplete, startedAt: new Date(9000) }), new Date());
  const third = await claimed();
  expect(third.incompleteSince).toEqual(new Date(2000));
  await ledger.complete(third, report(), later());
  expect(await ledger.incomplete()).toEqual([]);
  expect(await ledger.list('acme')).toMatchObject([{ completedAt: new Date(3000) }]);
});
