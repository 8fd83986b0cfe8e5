import { describe, expect, test } from 'vitest';
import { connection } from '../test/notion-samples.ts';
import type { CallProblem, ConnectionCalls, SessionOptions } from './connection-calls.ts';
import type { Sight } from './sight.ts';
import { countVotes, createVote, inOrder } from './vote.ts';

const gone: CallProblem = { kind: 'gone', failure: { class: 'gone', code: 'object_not_found', message: 'not found' } };
const unreadable: CallProblem = {
  kind: 'gone',
  failure: { class: 'unreadable', code: 'validation_error', message: 'a page, not a database' },
};
const failed = (code: string): CallProblem => ({ kind: 'failed', failure: { class: 'restricted', code, message: code } });
const dead: CallProblem = { kind: 'dead' };
const throttled = { class: 'rate_limited', code: 'rate_limited', message: 'slow down' } as const;
const retry = (at: number, scope: 'connection' | 'request'): CallProblem => ({ kind: 'retry', at, scope, failure: throttled });

const bot = '1edc05f6-2702-81b5-8408-000000000001';
const order = (connections: Parameters<typeof inOrder>[0], asking: Partial<Parameters<typeof inOrder>[1]> = {}, seenBy?: string) =>
  inOrder(connections, { workspaceId: 'tenant-1', ...asking }, seenBy).map(({ connectionId }) => connectionId);
const count = (...problems: CallProblem[]) =>
  countVotes(
    new Map(problems.map((problem, index) => [`c${index}`, problem])),
    problems.map((_, index) => connection(`c${index}`)),
  );

describe('the order in which connections are asked', () => {
  test('is by bot of the webhook, then the connection of the event, then the one that saw the object last, then by id', () => {
    const connections = ['e', 'd', 'c', 'b', 'a'].map((id) => connection(id, { botId: id === 'b' ? bot : null }));
    const asking = { accessibleBy: [bot.replaceAll('-', '').toUpperCase()], preferConnectionId: 'd' };
    expect(order(connections, asking, 'e')).toEqual(['b', 'd', 'e', 'a', 'c']);
    expect(order(connections)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('leaves out connections that are not active, preferred or not', () => {
    const connections = [connection('a', { status: 'unauthorized' }), connection('b'), connection('c', { status: 'paused' })];
    expect(order(connections, { preferConnectionId: 'a' }, 'c')).toEqual(['b']);
  });
});

describe('the votes of connections that do not see the object', () => {
  test('are gone only if every connection that is still active says so', () => {
    expect(count(gone, gone)).toEqual({ kind: 'gone', refusal: null });
    expect(count(gone, dead)).toEqual({ kind: 'gone', refusal: null });
    expect(count(gone, failed('blocked'))).toMatchObject({ kind: 'failed' });
    expect(count(gone, retry(5, 'request'))).toMatchObject({ kind: 'retry' });
  });

  test('name the refusal of a connection for which the id is nothing that Notion can show', () => {
    expect(count(gone, unreadable)).toEqual({ kind: 'gone', refusal: unreadable.kind === 'gone' ? unreadable.failure : null });
  });

  test('are the first failure when one fails and none is to be asked again', () => {
    expect(count(gone, failed('first'), dead, failed('second'))).toMatchObject({ kind: 'failed', failure: { code: 'first' } });
  });

  test('are a retry at the soonest time, whatever the others answer', () => {
    expect(count(retry(30, 'request'), failed('blocked'), retry(10, 'request'), gone)).toEqual(retry(10, 'request'));
  });

  test('hold all of the tenant only if no connection can be asked before', () => {
    expect(count(retry(10, 'connection'), dead, retry(20, 'connection'))).toMatchObject({ at: 10, scope: 'connection' });
    for (const other of [gone, failed('blocked'), retry(20, 'request')]) {
      expect(count(retry(10, 'connection'), other)).toMatchObject({ kind: 'retry', at: 10, scope: 'request' });
    }
  });

  test('are none when no connection is active, with the status of each', () => {
    const connections = [connection('a'), connection('b', { status: 'paused' })];
    expect(countVotes(new Map([['a', dead]]), connections)).toEqual({
      kind: 'no_active_connection',
      statuses: ['unauthorized', 'paused'],
    });
    expect(countVotes(new Map(), [])).toEqual({ kind: 'no_active_connection', statuses: [] });
  });
});

describe('the vote', () => {
  const connections = ['a', 'b', 'c'].map((id) => connection(id));
  /** `sights`: of each connection, in turn. */
  function setUp(sights: Record<string, Sight<string>>) {
    const asked: string[] = [];
    const options: SessionOptions[] = [];
    const calls: ConnectionCalls = {
      // The scripted sight of the connection, instead of the result of the work.
      async begin({ connectionId }, given) {
        asked.push(connectionId);
        options.push(given);
        return (sights[connectionId] ?? gone) as never;
      },
    };
    const vote = createVote({ connectionsOf: () => connections, calls });
    const ask = (signal = new AbortController().signal) =>
      vote<string>({ workspaceId: 'tenant-1' }, 'object', { reserve: 2, share: 0.5 }, signal, () =>
        Promise.reject(new Error('not called')),
      );
    return { asked, options, ask };
  }

  test('ends with the first connection that sees the object, and begins with it the next time', async () => {
    const { asked, ask } = setUp({ b: { kind: 'seen', value: 'the object' } });
    expect(await ask()).toEqual({ kind: 'seen', value: 'the object', connectionId: 'b' });
    expect(await ask()).toMatchObject({ connectionId: 'b' });
    expect(asked).toEqual(['a', 'b', 'b']);
  });

  test('asks every connection when none sees the object', async () => {
    const { asked, options, ask } = setUp({ a: dead, b: retry(10, 'connection') });
    expect(await ask()).toMatchObject({ kind: 'retry', scope: 'request' });
    expect(asked).toEqual(['a', 'b', 'c']);
    expect(options[0]).toMatchObject({ reserve: 2, share: 0.5, attempt: 1 });
  });

  test('asks no further connection when it is aborted', async () => {
    const { asked, ask } = setUp({ a: retry(0, 'request') });
    expect(await ask(AbortSignal.abort())).toMatchObject({ kind: 'retry' });
    expect(asked).toEqual(['a']);
  });
});
