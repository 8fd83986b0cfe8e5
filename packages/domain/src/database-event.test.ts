import { expect, test } from 'vitest';
import { kindOfEventType } from './database-event.ts';

test.each([
  'database.created',
  'database.content_updated',
  'database.properties_updated',
  'database.schema_updated',
  'database.moved',
  'database.undeleted',
  'data_source.created',
  'data_source.content_updated',
  'data_source.schema_updated',
  'data_source.moved',
  'data_source.deleted',
  'data_source.undeleted',
])('%s is synced', (type) => {
  expect(kindOfEventType(type)).toBe('sync');
});

test('only database.deleted is a delete', () => {
  expect(kindOfEventType('database.deleted')).toBe('delete');
});

test.each([
  'page.created',
  'page.properties_updated',
  'page.content_updated',
  'page.moved',
  'page.undeleted',
  'page.locked',
  'page.unlocked',
])('%s is about a row, which is synced', (type) => {
  expect(kindOfEventType(type)).toBe('row_sync');
});

test('only page.deleted is a delete of a row', () => {
  expect(kindOfEventType('page.deleted')).toBe('row_delete');
});

test.each([
  'page.transcription_block.transcript_deleted',
  'view.updated',
  'comment.created',
  'database',
  'DATABASE.DELETED',
  '',
  '__proto__',
  'constructor',
  'toString',
])('%j does not concern databases or rows', (type) => {
  expect(kindOfEventType(type)).toBeNull();
});
