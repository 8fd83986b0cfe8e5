import { createEventCodec } from '@notion-mirror/event-log/event-codec';
import { readAll } from '@notion-mirror/event-log/testing/isolated-log';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setRowsScene } from '../test/rows-scene.ts';

let scene: Awaited<ReturnType<typeof setRowsScene>>;
let databaseId: string;
let source: string;
let pages: readonly string[];
let linked: string;
let template: string;

const name = (text: string) => ({ Name: { title: [{ text: { content: text } }] } });

beforeAll(async () => {
  scene = await setRowsScene('verify_rows');
  const { notion, user } = scene;
  ({ databaseId, dataSourceId: source } = await user.createDatabase(scene.home, 'Tasks', { Name: { title: {} }, Price: { number: {} } }));
  await user.editDataSource(source, { properties: { Blocks: { relation: { data_source_id: source, single_property: {} } } } });
  const titles = Array.from({ length: 230 }, (_, n) => ({ properties: name(`Row ${n}`) }));
  pages = notion.createRows({ dataSourceId: source, rows: titles }).ids;
  notion.archiveRows({ ids: pages.slice(0, 3), archived: true });
  template = notion.createTemplate({ dataSourceId: source }).id;
  // Notion cuts the value off after 25 pages.
  const blocks = { Blocks: { relation: pages.slice(0, 30).map((id) => ({ id })) } };
  [linked = ''] = notion.createRows({ dataSourceId: source, rows: [{ properties: { ...name('Linked'), ...blocks } }] }).ids;
  await scene.mirrorDatabase(databaseId);
  for (const id of [...pages, linked, template]) await scene.mirrorRow(id);
  await scene.setContents(source);
}, 120_000);
afterAll(() => scene.end());

interface Report {
  readonly ok: boolean;
  readonly compared: number;
  readonly dataSources: number;
  readonly off: number;
  readonly differences: readonly {
    readonly pageId: string;
    readonly kind: string;
    readonly because: string | null;
    readonly fields: readonly { readonly path: string }[];
  }[];
  readonly unanswered: readonly { readonly dataSourceId?: string; readonly pageId: string | null; readonly why: string }[];
  readonly beyond: readonly unknown[];
  readonly appended: number;
}

async function verify(...args: string[]): Promise<{ code: number; report: Report }> {
  const { code, stdout } = await scene.mirror('verify', '--rows', ...args, '--grace', '0', '--requests-per-minute', '10000', '--json');
  return { code, report: JSON.parse(stdout) as Report };
}

const found = ({ differences }: Report) =>
  Object.fromEntries(differences.map(({ pageId, kind, because, fields }) => [pageId, because ?? fields[0]?.path ?? kind]));

test('equal rows, also archived ones, a value that Notion cuts off and a page that no query lists', async () => {
  expect(await verify()).toMatchObject({
    code: 0,
    report: { ok: true, tenants: 1, compared: 231, dataSources: 1, off: 0, differences: [], unanswered: [], unsettled: [], beyond: [] },
  });
  const { code, stdout } = await scene.mirror('verify', '--rows', '--grace', '0', '--requests-per-minute', '10000', databaseId);
  expect({ code, stdout }).toEqual({ code: 0, stdout: '231 rows of 1 data source compared: equal.\n' });
});

test('each difference is found, and fixed by an event for its row', async () => {
  const { notion, db } = scene;
  const [edited = '', trashed = '', moved = '', byHand = ''] = pages.slice(100, 104);
  const [missing = ''] = notion.createRows({ dataSourceId: source, rows: [{ properties: name('New') }] }).ids;
  notion.editRows({ ids: [edited], properties: { Price: { number: 7 } } });
  await scene.patchPage(trashed, { in_trash: true });
  notion.move({ id: moved, parent: { type: 'page', id: scene.home } });
  await db.collection<{ _id: string }>('row_records').updateOne({ _id: `acme:${byHand}` }, { $set: { title: 'by hand' } });
  // Only the cut part of the value changes.
  notion.editRows({ ids: [linked], properties: { Blocks: { relation: pages.slice(0, 29).map((id) => ({ id })) } } });

  const { code, report } = await verify(source, '--fix');
  expect(code).toBe(1);
  expect(found(report)).toEqual({
    [missing]: 'missing',
    [edited]: expect.stringMatching(/^lastEditedTime|^properties/),
    [trashed]: 'trashed',
    [moved]: 'moved_away',
    [byHand]: 'title',
    [linked]: expect.stringMatching(/^lastEditedTime|^properties/),
  });
  expect(report).toMatchObject({ unanswered: [], appended: 6 });
  const codec = await createEventCodec({ schemaRegistry: scene.log.schemaRegistry, subject: topicsFor(scene.log.prefix).eventsSubject });
  const appended = await readAll(scene.log.kafka, topicsFor(scene.log.prefix).events);
  const events = await Promise.all(appended.map(({ value }) => codec.decode(value!)));
  for (const event of events) {
    expect(event).toMatchObject({
      kind: 'event',
      event: { kind: 'row_sync', type: 'mirror.verify', origin: 'operator', dataSourceId: null },
    });
  }
  const named = events.map((event) => (event.kind === 'event' ? event.event.pageId : event.kind));
  expect(new Set(named)).toEqual(new Set(Object.keys(found(report))));
});

describe('what cannot be compared is named', () => {
  test('a data source whose first scan has not finished; one that is off is counted', async () => {
    await scene.setContents(source, { state: 'scanning', completeAsOf: null });
    expect(await verify('acme')).toMatchObject({
      code: 1,
      report: { dataSources: 0, compared: 0, unanswered: [{ pageId: null, dataSourceId: source, why: 'its first scan has not finished' }] },
    });
    await scene.setContents(source, { state: 'off' });
    expect(await verify('acme')).toMatchObject({ code: 0, report: { off: 1, unanswered: [] } });
    await scene.setContents(source);
  });

  test('rows of a data source that no database lists', async () => {
    const { db } = scene;
    await db.collection('row_records').updateOne({ pageId: pages[50] }, { $set: { dataSourceId: 'gone' } });
    const { report } = await verify('acme');
    expect(report.unanswered).toMatchObject([{ dataSourceId: 'gone', why: expect.stringContaining('no live database lists it') }]);
    await db.collection('row_records').updateOne({ pageId: pages[50] }, { $set: { dataSourceId: source } });
  });

  test('a data source that no connection may query', async () => {
    const { notion, bot, home } = scene;
    notion.unshare({ botId: bot.id, id: home });
    const { code, report } = await verify('acme');
    expect(code).toBe(1);
    expect(report).toMatchObject({
      compared: 0,
      differences: [],
      unanswered: [{ dataSourceId: source, why: expect.stringContaining('own: query of rows') }],
    });
    notion.share({ botId: bot.id, id: home });
  });

  test('an unknown tenant or data source', async () => {
    const { code, stderr } = await scene.mirror('verify', '--rows', 'initrode');
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('initrode is neither a tenant') });
  });
});
