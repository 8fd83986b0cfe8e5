import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { expect, test } from 'vitest';
import { startScriptedServer } from '../test/scripted-server.ts';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { createNotionClient } from './notion-client.ts';
import { createNotionMetrics } from './notion-metrics.ts';

test('calls share clients of the SDK, and each is made with its own token and gets its own answer, whatever became of those before', async () => {
  // The id says what becomes of the call.
  await using server = await startScriptedServer(async ({ path, token }) => {
    const id = String(path.split('/').at(-1));
    await delay(id.startsWith('slow') ? 3_000 : Math.random() * 10);
    return { status: id.startsWith('bad') ? 500 : 200, body: { object: 'database', id, token } };
  });
  const logger = createLogger({ service: 'test', level: 'silent' });
  const metrics = createNotionMetrics(new Registry());
  const notion = createNotionClient({ notionApiUrl: server.url, deadlineMs: 1_000, clock: systemClock, logger, metrics });
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
  await Promise.all(Array.from({ length: 20 }, (_, caller) => callSeveral(caller)));
  expect(said).toEqual(expected);
});
