import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { createNarrator, type SeenRow } from './narrator.ts';

const status = (value: string | null) => ({ id: 's', name: 'Status', type: 'select', value });

test('a row appears, changes, moves, vanishes and comes back', () => {
  const lines: string[] = [];
  const narrator = createNarrator((line) => lines.push(stripVTControlCharacters(line).replaceAll(/ +/g, ' ').trim()));
  const [tasks, done] = ['tasks', 'done'].map((id) => ({ id, name: id.toUpperCase(), properties: [] }));
  if (tasks === undefined || done === undefined) throw new Error('unreachable');
  narrator.record({ workspaceId: 'acme', databaseId: 'd', title: 'D', rev: 1, dataSources: [tasks, done] });
  lines.length = 0;

  const title = { id: 'title', name: 'Name', type: 'title', value: 'A' };
  const row = (more: Partial<SeenRow>): SeenRow => ({
    workspaceId: 'acme',
    pageId: 'p',
    title: 'A',
    dataSourceId: 'tasks',
    properties: [title, status(null)],
    ...more,
  });
  const gone = { workspaceId: 'acme', pageId: 'p', removed: { reason: 'trashed' } };
  const open = { properties: [title, status('Open')] };
  for (const seen of [row({}), row({}), row(open), row({ ...open, dataSourceId: 'done' }), gone, gone, row(open)]) narrator.row(seen);
  expect(lines).toEqual([
    'acme row “A” is in “TASKS”',
    'acme row “A” has changed, Status: Open',
    'acme row “A” is in “DONE” now',
    'acme row “A” is gone: trashed',
    'acme row “A” is back in “TASKS”',
  ]);
});

test('while rows are edited, what happens to their databases is not shown; warnings always are', () => {
  const lines: string[] = [];
  const narrator = createNarrator((line) => lines.push(stripVTControlCharacters(line)));
  narrator.action('acme', 'adds a row', 'rows');
  const event = { service: 'ingress', level: 'info', msg: 'event accepted', workspaceId: 'acme', type: 'data_source.content_updated' };
  narrator.log(event);
  narrator.record({ workspaceId: 'acme', databaseId: 'd', rev: 2, dataSources: [] });
  narrator.log({ service: 'ingress', level: 'warn', msg: 'careful' });
  narrator.action('acme', 'renames it', 'databases');
  narrator.log(event);
  expect(lines.map((line) => line.replaceAll(/ +/g, ' ').trim())).toEqual([
    'acme ▸ adds a row',
    'warn ingress: careful',
    'acme ▸ renames it',
    'acme event data_source.content_updated',
  ]);
});
