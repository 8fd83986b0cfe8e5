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
  'page.deleted',
  'view.updated',
  'comment.created',
  'database',
  'DATABASE.DELETED',
  '',
  '__proto__',
  'constructor',
  'toString',
])('%j does not concern databases', (type) => {
  expect(kindOfEventType(type)).toBeNull();
});
