import { describe, expect, it } from 'vitest';
import { createTargetCollector } from './from-events.ts';

const everything = { workspaceId: null, databaseId: null };
const event = (workspaceId: string, databaseId: string | null, dataSourceId: string | null = null) => ({
  workspaceId,
  databaseId,
  dataSourceId,
  pageId: null,
});
const rowEvent = (workspaceId: string, pageId: string, databaseId: string | null = null) => ({
  workspaceId,
  databaseId,
  dataSourceId: databaseId && `source of ${databaseId}`,
  pageId,
});

describe('the targets of a replay from events', () => {
  it('contain each database once, in an order that does not depend on the order of the events', () => {
    const events = [event('b', '1'), event('a', '2'), event('a', '2'), event('a', '1')];
    const collect = (those: typeof events) => {
      const collector = createTargetCollector(everything);
      for (const one of those) collector.add(one);
      return collector.targets();
    };
    expect(collect(events)).toEqual([event('a', '1'), event('a', '2'), event('b', '1')]);
    expect(collect(events.toReversed())).toEqual(collect(events));
  });

  it('omit a data source only if an event of the same tenant shows that its hint is a database', () => {
    const collector = createTargetCollector(everything);
    collector.add(event('a', 'database', 'source-1'));
    collector.add(event('a', 'page', 'source-2'));
    collector.add(event('a', null, 'source-3'));
    collector.add(event('b', 'database', 'source-1'));
    collector.add(event('a', 'database'));
    expect(collector.targets()).toEqual([
      event('a', 'database'),
      event('a', 'page', 'source-2'),
      event('a', null, 'source-3'),
      event('b', 'database', 'source-1'),
    ]);
  });

  it('contain each row once, whatever its parent was, by its page alone', () => {
    const collector = createTargetCollector(everything);
    for (const pageId of ['p1', 'p2', 'p1']) collector.add(rowEvent('a', pageId, 'database'));
    collector.add(rowEvent('a', 'p1', 'another'));
    collector.add(event('a', 'database', 'source of database'));
    expect(collector.targets()).toEqual([rowEvent('a', 'p1'), rowEvent('a', 'p2'), event('a', 'database', 'source of database')]);
  });

  it('of a database include the rows that it held', () => {
    const collector = createTargetCollector({ workspaceId: null, databaseId: '1' });
    collector.add(rowEvent('a', 'p1', '1'));
    collector.add(rowEvent('a', 'p2', '2'));
    expect(collector.targets()).toEqual([rowEvent('a', 'p1')]);
  });

  it('are limited to the tenant and the database of the order', () => {
    const collector = createTargetCollector({ workspaceId: 'a', databaseId: '1' });
    collector.add(event('a', '1'));
    collector.add(event('a', '2'));
    collector.add(event('b', '1'));
    expect(collector.targets()).toEqual([event('a', '1')]);
  });
});
