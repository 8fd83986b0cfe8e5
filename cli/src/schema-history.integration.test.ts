import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setRowsScene } from '../test/rows-scene.ts';

let scene: Awaited<ReturnType<typeof setRowsScene>>;
let databaseId: string;
let source: string;

beforeAll(async () => {
  scene = await setRowsScene('schema_history');
  const Status = { select: { options: [{ name: 'To do', color: 'red' }] } };
  ({ databaseId, dataSourceId: source } = await scene.user.createDatabase(scene.home, 'Tasks', {
    Name: { title: {} },
    Status,
    Due: { date: {} },
  }));
  await scene.mirrorDatabase(databaseId);
  await scene.user.editDataSource(source, { properties: { Status: { name: 'State\u001b[2J' } } });
  await scene.mirrorDatabase(databaseId);
  await scene.user.editDataSource(source, { properties: { Due: null, Cost: { number: { format: 'euro' } } } });
  await scene.mirrorDatabase(databaseId);
});
afterAll(() => scene.end());

const history = (...args: string[]) => scene.mirror('schema', 'history', ...args);
const lines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replaceAll(/ {2,}/g, ' | ').replaceAll(/[\dT:.-]{23}Z/g, '<time>'));

interface Change {
  readonly event: { readonly id: string };
  readonly changes: readonly object[];
}
async function changes(...args: string[]): Promise<readonly Change[]> {
  return (JSON.parse((await history(...args, '--json')).stdout) as { readonly changes: readonly Change[] }).changes;
}

test('shows the changes of a data source, latest first', async () => {
  const [second, first] = (await changes(source)).map(({ event }) => event.id);
  const { code, stdout } = await history(`https://www.notion.so/acme/Tasks-${databaseId.replaceAll('-', '')}?v=1`);
  expect(code).toBe(0);
  expect(lines(stdout)).toEqual([
    expect.stringMatching(/^Tasks › /),
    'AS OF | PROPERTY | CHANGE | EVENT',
    `<time> | Due | removed (was date) | ${second}`,
    ' | Cost | added (number)',
    `<time> | State?[2J | renamed from "Status" | ${first}`,
    '2 changes.',
  ]);
  const limited = await history(source, '--last', '1');
  expect(limited.stdout).toContain('The last 1; --last shows more.');
  expect(limited.stdout).not.toContain('renamed');
});

test('--json has the documents, with old and new values', async () => {
  const [second] = await changes(source);
  expect(second).toMatchObject({
    databaseId,
    dataSourceId: source,
    rev: 3,
    connectionId: 'own',
    replaced: { rev: 2 },
    changes: [
      { kind: 'removed', property: 'Due', old: { name: 'Due', type: 'date' }, new: null },
      { kind: 'added', property: 'Cost', old: null, new: { name: 'Cost', type: 'number', config: { format: 'euro' } } },
    ],
  });
});

test('explain shows the last changes of a database and of a data source, and those that an event brought', async () => {
  const [second, first] = await changes(source);
  for (const subject of [databaseId, source]) {
    const { stdout } = await scene.mirror('explain', subject, '--last', '1');
    expect(stdout).toContain(`properties of the data source ${source} changed as of`);
    expect(lines(stdout)).toEqual(expect.arrayContaining([' | Due: removed (was date)', ' | Cost: added (number)']));
    expect(stdout).not.toContain('renamed');
  }
  const place = { partition: 0, offset: 1, appendedAt: new Date() };
  const event = { eventId: first?.event.id, workspaceId: 'acme', databaseId, dataSourceId: null, pageId: null, type: 'database.created' };
  const way = { origin: 'nango', receivedAt: new Date(), place, waitedMs: 1, attempts: 1, coalescedInto: null, fetch: null, record: null };
  const end = { service: 'sync-worker', state: null, failure: null, outcome: 'written', reason: null, at: new Date() };
  await scene.db.collection('event_outcomes').insertOne({ ...event, ...way, ...end, subjects: [event.eventId] });
  const { stdout } = await scene.mirror('explain', String(first?.event.id), '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    databaseId,
    tenants: [{ schemaChanges: [{ event: { id: first?.event.id }, changes: [{ kind: 'renamed' }] }] }],
  });
  expect(stdout).not.toContain(second?.event.id);
});

test('a data source that never changed has no history; one that is removed keeps it', async () => {
  const other = await scene.user.createDatabase(scene.home, 'Other', { Name: { title: {} } });
  await scene.mirrorDatabase(other.databaseId);
  const { code, stdout } = await history(other.dataSourceId);
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('no change of its properties is stored') });

  await scene.db.collection('database_records').deleteOne({ databaseId });
  expect((await history(source)).stdout).toContain(`${source}, no longer in the mirror`);
  expect(await changes(source)).toHaveLength(2);
});

test('refusals name what to do', async () => {
  const unknown = await history(randomUUID());
  expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('has a data source') });
  expect(await history(source, '--last', '0')).toMatchObject({ code: 2, stderr: expect.stringContaining('--last takes') });
  expect(await history(source, '--workspace-id', 'globex')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has a data source'),
  });
  const [document] = await scene.db.collection<{ _id: string }>('schema_changes').find({ dataSourceId: source }).toArray();
  await scene.db.collection('schema_changes').insertOne({ ...document, _id: 'other', workspaceId: 'globex' } as object);
  expect(await history(source)).toMatchObject({ code: 2, stderr: expect.stringContaining('2 tenants had the data source') });
  expect((await history(source, '--workspace-id', 'globex')).code).toBe(0);
});
