import { setImmediate as immediate } from 'node:timers/promises';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { expect, onTestFinished, test, vi } from 'vitest';
import { sourceId } from '../test/notion-samples.ts';
import { page, pageId } from '../test/row-samples.ts';
import { hang, startScriptedServer } from '../test/scripted-server.ts';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { createNotionClient } from './notion-client.ts';
import { createNotionMetrics } from './notion-metrics.ts';

test('calls share an SDK client, and each uses its own token and gets its own answer, however earlier calls ended', async () => {
  const callers = 20;
  const deadlineMs = 1_000;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  let hanging = 0;
  // The id selects the result of the call.
  await using server = await startScriptedServer(async ({ path, token }) => {
    const id = String(path.split('/').at(-1));
    if (id.startsWith('slow')) {
      hanging += 1;
      // Every caller waits for a slow answer, so no other call is in flight.
      if (hanging % callers === 0) vi.advanceTimersByTime(deadlineMs);
      return hang;
    }
    for (let turns = Math.random() * 10; turns > 0; turns -= 1) await immediate();
    return { status: id.startsWith('bad') ? 500 : 200, body: { object: 'database', id, token } };
  });
  const logger = createLogger({ service: 'test', level: 'silent' });
  const metrics = createNotionMetrics(new Registry());
  const notion = createNotionClient({ notionApiUrl: server.url, deadlineMs, clock: systemClock, logger, metrics });
  const said: string[] = [];
  const expected: string[] = [];
  async function callSeveral(caller: number): Promise<void> {
    for (let turn = 0; turn < 10; turn += 1) {
      const kind = ['good', 'bad', 'slow', 'good', 'stopped'][turn % 5];
      const id = `${kind}-${caller}-${turn}`;
      const ender = new AbortController();
      const call = notion.database(id)(`token-${caller}`, ender.signal);
      if (kind === 'stopped') ender.abort();
      const answer = await call;
      said.push(`${id}: ${answer.kind === 'ok' ? `${JSON.stringify(answer.body)} ${answer.text}` : answer.failure.code}`);
      const body = JSON.stringify({ object: 'database', id, token: `token-${caller}` });
      const endings = { good: `${body} ${body}`, bad: 'not_a_notion_answer', slow: 'deadline', stopped: 'aborted' };
      expected.push(`${id}: ${endings[kind as keyof typeof endings]}`);
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => callSeveral(caller)));
  expect(said).toEqual(expected);
});

test('rows: a page, a query with every field of its body, and a property by its id as received', async () => {
  const list = { object: 'list', results: [], has_more: false, next_cursor: null };
  await using server = await startScriptedServer(({ path }) => ({ status: 200, body: path.endsWith(pageId) ? page() : list }));
  const logger = createLogger({ service: 'test', level: 'silent' });
  const metrics = createNotionMetrics(new Registry());
  const notion = createNotionClient({ notionApiUrl: server.url, deadlineMs: 1_000, clock: systemClock, logger, metrics });
  const never = new AbortController().signal;
  const body = { is_archived: true, result_type: 'page', page_size: 10, sorts: [{ timestamp: 'created_time', direction: 'ascending' }] };
  const answers = [
    await notion.page(pageId)('token', never),
    await notion.query(sourceId, body)('token', never),
    await notion.property(pageId, 'NVv%5E', null)('token', never),
    await notion.property(pageId, 'a?b#/', 'c1')('token', never),
  ];
  expect(answers.map(({ kind }) => kind)).toEqual(['ok', 'ok', 'ok', 'ok']);
  expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    `GET /v1/pages/${pageId}`,
    `POST /v1/data_sources/${sourceId}/query`,
    `GET /v1/pages/${pageId}/properties/NVv%5E?page_size=100`,
    `GET /v1/pages/${pageId}/properties/a%3Fb%23%2F?start_cursor=c1&page_size=100`,
  ]);
  expect(JSON.parse(server.requests[1]!.body)).toEqual(body);

  const unsafe = await notion.property(pageId, '..', null)('token', never);
  expect(unsafe).toMatchObject({ kind: 'failure', failure: { class: 'invalid', status: null } });
  const other = await notion.page('0f3b2c1d-5a6e-4b7c-8d9e-0a1b2c3d4e5f')('token', never);
  expect(other).toMatchObject({ kind: 'failure', failure: { class: 'server', code: 'unexpected_object' } });
  expect(server.requests).toHaveLength(5);
});
