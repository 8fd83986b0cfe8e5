import { setImmediate as immediate } from 'node:timers/promises';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { expect, onTestFinished, test, vi } from 'vitest';
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
