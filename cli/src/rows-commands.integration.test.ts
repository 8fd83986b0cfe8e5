import { openScanLedger, type ScanClaim, type ScanLedger } from '@notion-mirror/mirror-store/scan-ledger';
import { createSweepLedger } from '@notion-mirror/mirror-store/sweep-ledger';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setRowsScene } from '../test/rows-scene.ts';

let scene: Awaited<ReturnType<typeof setRowsScene>>;
let ledger: ScanLedger;
let databaseId: string;
let source: string;
let second: string;
let pages: readonly string[];

const titled = (text: string) => ({ properties: { Name: { title: [{ text: { content: text } }] } } });

beforeAll(async () => {
  scene = await setRowsScene('rows_commands');
  ledger = openScanLedger(scene.db, { lagMs: 0, toleranceMs: 0 });
  ({ databaseId, dataSourceId: source } = await scene.user.createDatabase(scene.home, 'Tasks', { Name: { title: {} } }));
  second = await scene.user.addDataSource(databaseId, 'Archive', { Name: { title: {} } });
  pages = scene.notion.createRows({ dataSourceId: source, rows: ['a', 'b', 'c'].map(titled) }).ids;
  scene.notion.archiveRows({ ids: pages.slice(0, 1), archived: true });
  await scene.mirrorDatabase(databaseId);
  for (const id of pages) await scene.mirrorRow(id);
});
afterAll(() => scene.end());

async function run(...args: string[]) {
  const { code, stdout, stderr } = await scene.mirror('rows', ...args, '--json');
  return { code, stderr, result: JSON.parse(stdout) as Record<string, unknown> };
}

/** What a sync-worker does with the due scans, one after the other, until it has ended so many. */
async function work(scans: number, how: (claim: ScanClaim) => Promise<void>): Promise<void> {
  for (let done = 0; done < scans;) {
    for await (const ref of ledger.due()) {
      const claim = await ledger.claim(ref, 'w1', 60_000);
      if (claim === null) continue;
      await how(claim);
      done += 1;
    }
  }
}

const completed = async (claim: ScanClaim): Promise<void> => {
  const report = { startedAt: claim.startedAt, endedAt: new Date(), depth: claim.depth, calls: 2, returned: 3, written: 1, readSingly: 0 };
  const nextFullAt = new Date(Date.now() + 3_600_000);
  const finding = { kind: 'complete', rows: { live: 2, archived: 1 } } as const;
  await ledger.complete(claim, { finding, report, nextFullAt, connections: [] });
};

const incomplete = async (claim: ScanClaim): Promise<void> => {
  const report = { startedAt: claim.startedAt, endedAt: new Date(), depth: claim.depth, calls: 1, returned: 0, written: 0, readSingly: 0 };
  const finding = { kind: 'incomplete', reason: 'too many would go', truncated: [] } as const;
  await ledger.complete(claim, { finding, report, nextFullAt: new Date(Date.now() + 3_600_000), connections: [] });
};

async function nextScan(): Promise<ScanClaim> {
  for (;;) {
    const claim = await ledger.claim({ workspaceId: 'acme', dataSourceId: source }, 'w1', 60_000);
    if (claim !== null) return claim;
  }
}

async function reconcile(...options: string[]) {
  return scene.mirror('reconcile', 'run', 'acme', '--wait', ...options);
}

test('status names each data source with its state; those of all tenants only while they are not complete', async () => {
  expect(await run('status')).toMatchObject({
    code: 0,
    result: {
      summary: {
        dataSources: { complete: 0, scanning: 2, incomplete: 0, off: 0 },
        rows: { live: 0, archived: 0 },
        oldestCompleteAsOf: null,
      },
      dataSources: expect.arrayContaining([
        expect.objectContaining({
          workspaceId: 'acme',
          databaseId,
          dataSourceId: source,
          database: 'Tasks',
          state: 'scanning',
          wanted: expect.objectContaining({ reasons: ['first_backfill'] }),
        }),
      ]),
      hasMore: false,
    },
  });
  await work(2, completed);
  expect(await run('status')).toMatchObject({
    code: 0,
    result: {
      summary: { dataSources: { complete: 2 }, rows: { live: 4, archived: 2 }, oldestCompleteAsOf: expect.any(String) },
      dataSources: [],
    },
  });
  expect(await run('status', second)).toMatchObject({
    result: { summary: null, dataSources: [{ dataSourceId: second, name: 'Archive', state: 'complete', rows: { live: 2, archived: 1 } }] },
  });
  const { stdout } = await scene.mirror('rows', 'status', 'acme');
  expect(stdout).toMatch(new RegExp(`acme +${source} +Tasks › \\S+ +complete +2 +1 `));
});

test('an incomplete data source fails, with its reason', async () => {
  const truncated = [{ partition: 'live', minute: new Date('2026-01-02T03:04:00Z'), atLeast: 10_000 }];
  await scene.setContents(second, { state: 'incomplete', reason: 'a row could not be written', truncated });
  expect((await run('status')).code).toBe(1);
  const { code, stdout } = await scene.mirror('rows', 'status', 'acme');
  expect(code).toBe(1);
  expect(stdout).toContain(`${second} is incomplete: a row could not be written`);
  expect(stdout).toContain(`${second}: more than the 10000 rows that Notion returns were created 2026-01-02 03:04`);
  const shown = JSON.parse((await scene.mirror('status', '--json')).stdout) as { rows: unknown };
  expect(shown.rows).toMatchObject({
    mirrored: 3,
    dataSources: { complete: 1, incomplete: 1 },
    rows: { live: 4, archived: 2 },
    incomplete: [{ workspaceId: 'acme', dataSourceId: second, reason: 'a row could not be written' }],
  });
  expect((await scene.mirror('status')).stdout).toContain(`acme: the rows of ${second} are incomplete: a row could not be written`);
  await scene.setContents(second, { state: 'complete', reason: null, truncated: [] });
});

describe('scan', () => {
  test('wants a scan of every data source, and waits until a worker has ended them', async () => {
    const [{ code, result, stderr }] = await Promise.all([run('scan', databaseId), work(2, completed)]);
    expect({ code, result }).toMatchObject({
      code: 0,
      result: {
        wanted: expect.arrayContaining([
          { workspaceId: 'acme', dataSourceId: source },
          { workspaceId: 'acme', dataSourceId: second },
        ]),
        dataSources: [
          { state: 'complete', scan: null },
          { state: 'complete', last: { depth: 'all', returned: 3 } },
        ],
      },
    });
    expect(stderr).toContain('2 scans requested');
  });

  test('does not take a scan that began too early for the one that was asked for', async () => {
    await run('scan', source, '--no-wait');
    const claim = await ledger.claim({ workspaceId: 'acme', dataSourceId: source }, 'w1', 60_000);
    if (claim === null) throw new Error('no scan is due');
    let isDone = false;
    const asked = run('scan', source).finally(() => (isDone = true));
    await expect
      .poll(async () => (await scene.contents.list('acme')).find(({ dataSourceId }) => dataSourceId === source)?.wanted)
      .toBeTruthy();
    await completed(claim);
    expect(isDone).toBe(false);
    await work(1, completed);
    expect(await asked).toMatchObject({ code: 0 });
  });

  test('fails with the reason when the scan does, and when its data source is incomplete afterwards', async () => {
    const [failed] = await Promise.all([run('scan', source), work(1, (claim) => ledger.fail(claim, 'Notion refuses', 60_000, true))]);
    expect(failed).toMatchObject({
      code: 1,
      result: { error: { code: 'scan_failed', message: expect.stringContaining('Notion refuses') } },
    });
    // The failed scan is resumed first, and began too early for the new wish.
    const [stopped] = await Promise.all([run('scan', source), work(2, incomplete)]);
    expect(stopped).toMatchObject({ code: 1, result: { dataSources: [{ state: 'incomplete', reason: 'too many would go' }] } });
    const [accepted] = await Promise.all([
      run('scan', source, '--accept-removals'),
      work(1, async (claim) => {
        expect(claim.wish).toMatchObject({ acceptsRemovals: true, reasons: ['operator'] });
        await completed(claim);
      }),
    ]);
    expect(accepted).toMatchObject({ code: 0 });
  });

  test('of something unknown fails', async () => {
    expect(await run('scan', 'initrode')).toMatchObject({ code: 1, result: { error: { code: 'unknown_scope' } } });
  });
});

describe('reconcile run --wait', () => {
  /** What a sync-worker does with the requested sweep: the scans that it wants, and its report. */
  async function sweep(): Promise<void> {
    const sweeps = createSweepLedger(scene.db);
    await expect.poll(async () => (await sweeps.list('acme'))[0]?.request).toBeTruthy();
    const startedAt = new Date();
    const claim = await sweeps.claim({ workspaceId: 'acme', activation }, 'w1', 60_000);
    if (claim === null) throw new Error('no sweep is due');
    const wish = { reasons: ['operator'], depth: 'all', at: new Date(), raisesAll: false, dueAt: new Date() } as const;
    await scene.contents.want({ workspaceId: 'acme', dataSourceId: source }, wish);
    const found = { held: 1, found: 2, events: {}, removals: 0, stopped: false } as const;
    await sweeps.complete(claim, { startedAt, endedAt: new Date(), depth: 'full', ...found }, new Date(Date.now() + 3_600_000));
  }

  const activation = new Date();
  beforeAll(async () => {
    const sweeps = createSweepLedger(scene.db);
    const claim = await sweeps.claim({ workspaceId: 'acme', activation }, 'w1', 60_000);
    if (claim === null) throw new Error('the tenant is new');
    await sweeps.release(claim);
  });

  test('waits for the scans that the sweep wants, too, and for no others', async () => {
    let isDone = false;
    const asked = reconcile('--json').finally(() => (isDone = true));
    await sweep();
    const claim = await nextScan();
    expect(isDone).toBe(false);
    await completed(claim);
    const { code, stdout } = await asked;
    expect({ code, said: JSON.parse(stdout) }).toMatchObject({
      code: 0,
      said: { workspaceId: 'acme', last: { held: 1 }, dataSources: [{ dataSourceId: source, state: 'complete', last: { returned: 3 } }] },
    });
  });

  test('fails when a scan does, or leaves its data source incomplete, and says why', async () => {
    const [failed] = await Promise.all([
      reconcile(),
      sweep().then(async () => ledger.fail(await nextScan(), 'Notion refuses', 60_000, true)),
    ]);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(/TENANT[^]+DATA SOURCE[^]+the scan failed once: Notion refuses/);
    const [stopped] = await Promise.all([reconcile(), sweep().then(() => work(2, incomplete))]);
    expect(stopped.code).toBe(1);
    expect(stopped.stdout).toContain(`${source} is incomplete: too many would go`);
  });

  test('does not wait for a data source that has gone meanwhile', async () => {
    const gone = '11111111-1111-4111-8111-111111111111';
    await scene.contents.follow({ workspaceId: 'acme', databaseId: gone }, [{ dataSourceId: gone, schema: gone }]);
    let isDone = false;
    const asked = reconcile('--json').finally(() => (isDone = true));
    await sweep();
    await scene.contents.want(
      { workspaceId: 'acme', dataSourceId: gone },
      { reasons: ['operator'], depth: 'all', at: new Date(), raisesAll: false, dueAt: new Date(Date.now() + 3_600_000) },
    );
    await completed(await nextScan());
    expect(isDone).toBe(false);
    await scene.contents.forget({ workspaceId: 'acme', dataSourceId: gone });
    const { code, stdout } = await asked;
    expect({ code, said: JSON.parse(stdout) }).toMatchObject({ code: 0, said: { dataSources: [{ dataSourceId: source }] } });
  });
});

describe('off and on', () => {
  test('off shows a plan, and asks', async () => {
    expect(await run('off', source, '--dry-run')).toMatchObject({
      code: 0,
      result: { dataSourceId: source, rows: { live: 2, archived: 1 }, isOff: false, erased: null },
    });
    const { code, stderr } = await scene.mirror('rows', 'off', source);
    expect(code).toBe(2);
    expect(stderr).toMatch(/Tasks › \S+ of acme: 2 rows and 1 archived are erased, its scans end/);
    expect(stderr).toContain('--yes');
    expect(await scene.db.collection('rows').countDocuments()).toBe(3);
  });

  test('off erases the rows and ends the scans; on begins from the beginning', async () => {
    await run('scan', source, '--no-wait');
    expect(await run('off', source, '--yes')).toMatchObject({ code: 0, result: { isOff: true, erased: 3 } });
    expect(await scene.db.collection('rows').countDocuments()).toBe(0);
    const [erased] = await scene.db.collection('row_records').find({ pageId: pages[1] }).toArray();
    expect(erased).toMatchObject({ rev: 2, source: 'delete', removed: { reason: 'data_source_removed' } });
    expect(erased).not.toHaveProperty('properties');
    expect(await run('status', source)).toMatchObject({
      result: { dataSources: [{ state: 'off', wanted: null, scan: null, completeAsOf: null }] },
    });
    expect(await run('scan', source)).toMatchObject({
      code: 0,
      result: { wanted: [] },
      stderr: expect.stringContaining('nothing to scan'),
    });
    expect(await run('off', source, '--yes')).toMatchObject({ code: 0, result: { erased: 0 } });

    expect(await run('on', source)).toMatchObject({ code: 0, result: { wasOff: true } });
    expect(await run('status', source)).toMatchObject({
      result: { dataSources: [{ state: 'scanning', wanted: { reasons: ['first_backfill'] } }] },
    });
    expect(await run('on', source)).toMatchObject({ code: 0, result: { wasOff: false } });
  });

  test('a data source that the mirror does not follow', async () => {
    await scene.contents.forget({ workspaceId: 'acme', dataSourceId: second });
    for (const command of ['off', 'on']) {
      expect(await run(command, second)).toMatchObject({ code: 1, result: { error: { code: 'not_followed' } } });
    }
  });
});
