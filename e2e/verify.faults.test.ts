import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setScene, type Scene } from './scene.ts';

let scene: Scene;
let worker: Awaited<ReturnType<Scene['start']>>;

beforeAll(async () => {
  scene = await setScene('verify');
  await scene.start('ingress');
  worker = await scene.start('sync-worker');
  await scene.start('delete-worker');
});
afterAll(() => scene.end());

const properties = { Name: { title: {} } };
/** Notion signs its URL again in every response. */
const signedIcon = { type: 'file_upload', file_upload: { id: 'b52b8ed6-e029-4707-a671-832549c09de3' } };

interface Report {
  readonly ok: boolean;
  readonly compared: number;
  readonly differences: readonly { readonly databaseId: string; readonly kind: string; readonly fields: readonly { path: string }[] }[];
  readonly unanswered: readonly unknown[];
  readonly withoutConnection: readonly string[];
  readonly appended: number;
}

async function verify(...args: string[]): Promise<{ code: number; report: Report; stderr: string }> {
  const { code, stdout, stderr } = await scene.tryMirror('verify', '--grace', '0', '--requests-per-minute', '1000', '--json', ...args);
  return { code, stderr, report: JSON.parse(stdout) as Report };
}

describe('mirror verify', () => {
  test('an up-to-date mirror is equal, signed file URLs included; every kind of difference is found, and repaired by --fix', async () => {
    const acme = await scene.connect('acme', 'Acme');
    const globex = await scene.connect('globex', 'Globex');
    const make = (title: string) => acme.user.createDatabase(acme.pages.home, title, properties);
    const missing = await make('Missing');
    const stale = await make('Stale');
    const trashed = await make('Trashed');
    const unshared = await acme.user.createDatabase(acme.pages.archive, 'Unshared', properties);
    await acme.user.editDatabase(stale.databaseId, { icon: signedIcon });
    await globex.user.createDatabase(globex.pages.home, 'Elsewhere', properties);
    await scene.untilEqual();
    const equal = await verify();
    expect(equal).toMatchObject({ code: 0, report: { ok: true, compared: 5, differences: [], unanswered: [], withoutConnection: [] } });

    // A sweep would find the changes made to the mirror below, and a scan that its data source is not shared any more.
    await scene.untilSwept('acme');
    await scene.untilScanned('acme');

    const records = scene.db.collection<{ _id: string }>('database_records');
    await records.deleteOne({ _id: `acme:${missing.databaseId}` });
    await records.updateOne({ _id: `acme:${stale.databaseId}` }, { $set: { title: 'Old', 'dataSources.0.properties.0.name': 'Old name' } });
    // From here on every webhook is lost.
    scene.notion.settings.change({ delivery: { dropProbability: 1 } });
    await acme.user.editDatabase(trashed.databaseId, { in_trash: true });
    scene.notion.unshare({ botId: acme.botId, id: acme.pages.archive });
    await scene.pair.settle();

    const { code, report } = await verify('acme');
    expect({ code, ok: report.ok, compared: report.compared }).toEqual({ code: 1, ok: false, compared: 4 });
    expect(Object.fromEntries(report.differences.map((difference) => [difference.databaseId, difference]))).toMatchObject({
      [missing.databaseId]: { kind: 'missing', fields: [] },
      [stale.databaseId]: {
        kind: 'stale',
        fields: [{ path: 'title' }, { path: `dataSources[${stale.dataSourceId}].properties[title].name` }],
      },
      [trashed.databaseId]: { kind: 'extra', because: 'trashed' },
      [unshared.databaseId]: { kind: 'extra', because: 'inaccessible' },
    });
    expect(await verify('globex')).toMatchObject({ code: 0, report: { compared: 1 } });
    const human = await scene.tryMirror('verify', 'acme', '--grace', '0', '--requests-per-minute', '1000');
    expect(human.stdout).toContain(`acme ${stale.databaseId} stale: 2 places\n    title: mirror "Old", Notion "Stale"`);

    const fixed = await verify('acme', '--fix');
    expect(fixed).toMatchObject({ code: 1, report: { appended: 4 } });
    await scene.untilEqual();
    expect(await verify()).toMatchObject({ code: 0, report: { ok: true, differences: [], appended: 0 } });
    const origins = scene.lines.flatMap((line) =>
      line.msg === 'event handled' && line['type'] === 'mirror.verify' ? [line['origin']] : [],
    );
    expect(new Set(origins)).toEqual(new Set(['operator']));
    scene.notion.settings.change({ delivery: { dropProbability: 0 } });
  });

  test('a tenant that cannot be compared is reported', async () => {
    const initech = await scene.connect('initech', 'Initech');
    await initech.user.createDatabase(initech.pages.home, 'One', properties);
    await scene.untilEqual();
    // The worker's own comparisons would find it first.
    await worker.stop();
    scene.notion.removeBot({ botId: initech.botId });
    const refused = await verify('initech');
    expect(refused.code).toBe(1);
    expect(refused.report.unanswered).toContainEqual(
      expect.objectContaining({ workspaceId: 'initech', databaseId: null, why: expect.stringContaining('token_refused') }),
    );
    // Only the worker may mark a connection unauthorized.
    expect(await scene.db.collection('connections').findOne({ workspaceId: 'initech' })).toMatchObject({ status: 'active' });
    await scene.mirror('connections', 'pause', initech.connectionId);
    expect(await verify('initech')).toMatchObject({ code: 0, report: { compared: 0, withoutConnection: ['initech'] } });
    expect(await scene.tryMirror('verify', 'unknown')).toMatchObject({ code: 1, stderr: expect.stringContaining('no connection') });
  });
});
