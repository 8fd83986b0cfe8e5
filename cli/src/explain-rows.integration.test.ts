import { randomUUID } from 'node:crypto';
import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { toRecord } from '@notion-mirror/event-log/event-record';
import { createPublisher } from '@notion-mirror/event-log/publisher';
import { eventOf, silent } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setRowsScene } from '../test/rows-scene.ts';

let scene: Awaited<ReturnType<typeof setRowsScene>>;
let databaseId: string;
let source: string;
let pages: readonly string[];

const titled = (text: string) => ({ properties: { Name: { title: [{ text: { content: text } }] } } });

beforeAll(async () => {
  scene = await setRowsScene('explain_rows');
  ({ databaseId, dataSourceId: source } = await scene.user.createDatabase(scene.home, 'Tasks', {
    Name: { title: {} },
    Itself: { formula: { expression: 'prop("Itself")' } },
  }));
  pages = scene.notion.createRows({ dataSourceId: source, rows: Array.from({ length: 4 }, (_, n) => titled(`Row ${n}`)) }).ids;
  scene.notion.archiveRows({ ids: pages.slice(0, 1), archived: true });
  await scene.mirrorDatabase(databaseId);
  await scene.mirrorRow(pages[0] ?? '');
});
afterAll(() => scene.end());

interface Explanation {
  readonly pageId?: string;
  readonly databaseId?: string;
  readonly causes: readonly { readonly code: string; readonly remedy: string | null }[];
  readonly tenants: readonly { readonly mirrored: object | null; readonly notion: string | null; readonly row?: object }[];
}

async function explain(subject: string, ...args: string[]): Promise<Explanation & { readonly code: number; readonly codes: string[] }> {
  const { code, stdout } = await scene.mirror('explain', subject, '--json', ...args);
  const found = JSON.parse(stdout) as Explanation;
  return { ...found, code, codes: found.causes.map((cause) => cause.code) };
}

test('an archived row is mirrored, whatever URL names it', async () => {
  const [id = ''] = pages;
  const dashless = id.replaceAll('-', '');
  const database = databaseId.replaceAll('-', '');
  for (const url of [
    `https://www.notion.so/acme/Row-0-${dashless}?pvs=4`,
    `https://www.notion.so/acme/Tasks-${database}?v=1&p=${dashless}&pm=s`,
    id,
  ]) {
    expect(await explain(url)).toMatchObject({
      code: 0,
      pageId: id,
      codes: [],
      tenants: [{ notion: 'equal', row: { databaseId, dataSourceId: source, isArchived: true, dataSource: { state: 'scanning' } } }],
    });
  }
  const { stdout } = await scene.mirror('explain', id);
  expect(stdout).toContain(`archived, in the data source ${source} (scanning)`);
});

test('a value that Notion does not return is named, and is no fault of the mirror', async () => {
  const [id = ''] = pages;
  expect(await explain(id)).toMatchObject({
    code: 0,
    codes: [],
    tenants: [{ row: { withheld: [{ property: 'Itself', why: 'unsupported' }] } }],
  });
  const { stdout } = await scene.mirror('explain', id);
  expect(stdout).toContain(`"Itself": Notion's API does not support this result`);
});

test('a row that the mirror lacks is recognised by asking Notion, and its data source says why', async () => {
  const [, id = ''] = pages;
  expect(await explain(id)).toMatchObject({
    code: 1,
    pageId: id,
    codes: ['scan_unfinished'],
    tenants: [{ mirrored: null, notion: 'differs' }],
  });
  await scene.setContents(source);
  const lost = await explain(id);
  expect(lost).toMatchObject({ codes: ['no_event'], causes: [{ remedy: `mirror verify --rows ${source} --fix` }] });
  await scene.setContents(source, { state: 'off' });
  expect(await explain(id)).toMatchObject({ codes: ['rows_off'], causes: [{ remedy: `mirror rows on ${source}` }] });
  await scene.setContents(source);
});

test('a row that MongoDB cannot hold is named as such', async () => {
  const names = Array.from({ length: 32 }, (_, n) => `Text ${n}`);
  const schema = Object.fromEntries(names.map((name) => [name, { rich_text: {} }]));
  const { dataSourceId } = await scene.user.createDatabase(scene.home, 'Large', { Name: { title: {} }, ...schema });
  const text = { rich_text: Array.from({ length: 100 }, () => ({ text: { content: 'x'.repeat(2_000) } })) };
  const properties = Object.fromEntries(names.map((name) => [name, text]));
  const [id = ''] = scene.notion.createRows({ dataSourceId, rows: [{ properties }] }).ids;
  expect(await explain(id)).toMatchObject({
    code: 1,
    pageId: id,
    codes: ['unstorable'],
    tenants: [{ mirrored: null, notion: 'unstorable' }],
  });
});

test('what Notion says of the page comes first', async () => {
  const [, , trashed = '', moved = ''] = pages;
  await scene.patchPage(trashed, { in_trash: true });
  expect(await explain(trashed)).toMatchObject({ pageId: trashed, codes: ['trashed'] });
  scene.notion.move({ id: moved, parent: { type: 'page', id: scene.home } });
  expect(await explain(moved)).toMatchObject({ pageId: moved, codes: ['not_a_row'] });
  const { dataSourceId: other } = await scene.user.createDatabase(scene.home, 'Others', { Name: { title: {} } });
  const [elsewhere = ''] = scene.notion.createRows({ dataSourceId: other, rows: [titled('Elsewhere')] }).ids;
  expect(await explain(elsewhere)).toMatchObject({ pageId: elsewhere, codes: ['database_not_mirrored'] });
  // No record and no event says of which kind it is.
  const unknown = randomUUID();
  expect(await explain(unknown)).toMatchObject({ databaseId: unknown, codes: ['not_shared'] });
});

test('an event of a row that waits on the log is found by its page and by its own id', async () => {
  const pageId = randomUUID();
  const { eventsSubject: subject, events: topic } = topicsFor(scene.log.prefix);
  const codec = await createEventCodec({ schemaRegistry: scene.log.schemaRegistry, subject });
  const publisher = await createPublisher({ kafka: scene.log.kafka, logger: silent, metrics: new Registry(), deadlineMs: 30_000 });
  const event = eventOf({ kind: 'row_sync', type: 'page.created', databaseId, dataSourceId: source, pageId });
  await publisher.publish(toRecord({ topic, event, codec }));
  await publisher.stop();
  for (const id of [pageId, event.eventId]) {
    expect(await explain(id, '--no-notion')).toMatchObject({ pageId, codes: ['waiting_in_log', 'no_worker'] });
  }
});

test('a tombstone says why without asking Notion', async () => {
  const [id = ''] = pages;
  await scene.mirror('rows', 'off', source, '--yes');
  expect(await explain(id, '--no-notion')).toMatchObject({ codes: ['rows_off'], tenants: [{ mirrored: { live: false } }] });
  await scene.mirror('rows', 'on', source);
  expect(await explain(id, '--no-notion')).toMatchObject({ codes: ['scan_unfinished'] });
});
