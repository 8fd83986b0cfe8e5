import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { newWorkspace } from '../../test/customer.ts';
import type { Receiver } from '../../test/receiver.ts';
import { startReceiver } from '../../test/receiver.ts';
import { isNotionSignature } from '../signatures.ts';
import { retryWaitMs } from './delivery.ts';
import type { NotionEmulator, NotionEmulatorOptions } from './emulator.ts';
import { startNotionEmulator } from './emulator.ts';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let receiver: Receiver;
let notion: NotionEmulator;
beforeEach(async () => {
  receiver = await startReceiver();
  notion = await startNotionEmulator();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await notion.stop();
  await receiver.stop();
});

/** A workspace with a database, and a subscription that has received only its handshake. */
async function start(delivery: NotionEmulatorOptions['delivery'], seed = 'delivery') {
  await notion.stop();
  notion = await startNotionEmulator({ seed, delivery, announce: { sourcesOfContainer: false } });
  const workspace = newWorkspace(notion);
  const { id } = notion.createDatabase({ workspaceId: workspace.workspaceId, parent: { type: 'page', id: workspace.pageId } });
  const subscription = await notion.subscribe({ integrationId: workspace.integrationId, url: receiver.url });
  receiver.received.length = 0;
  const edit = (content: string) => workspace.asOwner.databases.update({ database_id: id, title: [{ text: { content } }] });
  const trash = (in_trash: boolean) => workspace.asOwner.databases.update({ database_id: id, in_trash });
  return { ...workspace, databaseId: id, subscription, edit, trash };
}

const received = () =>
  receiver.received.map(({ body }) => JSON.parse(body) as { id: string; type: string; attempt_number: number; timestamp: string });

test('the waits between 8 attempts add up to about a day', () => {
  const hours = [2, 3, 4, 5, 6, 7, 8].reduce((sum, attempt) => sum + retryWaitMs(attempt), 0) / 3_600_000;
  expect(retryWaitMs(2)).toBe(60_000);
  expect(hours).toBeGreaterThan(23);
  expect(hours).toBeLessThan(24.5);
});

test('a webhook is retried until acknowledged, with each attempt counted and signed again under one id', async () => {
  const { edit, subscription } = await start({ retryScale: 0.000_01 });
  receiver.answerWith(500, 404, 'reset', 429);
  await edit('A');
  await notion.settle();
  expect(received().map(({ attempt_number }) => attempt_number)).toEqual([1, 2, 3, 4, 5]);
  expect(new Set(received().map(({ id }) => id)).size).toBe(1);
  for (const { headers, body } of receiver.received) {
    expect(isNotionSignature(String(headers['x-notion-signature']), subscription.verificationToken, body)).toBe(true);
  }
  const [delivery] = notion.deliveries({ type: 'database.content_updated' });
  expect(delivery?.state).toBe('delivered');
  expect(delivery?.attempts.map(({ result }) => (result.kind === 'answer' ? result.status : result.code))).toEqual([
    500,
    404,
    'ECONNRESET',
    429,
    200,
  ]);
});

test('a webhook is given up after 8 attempts', async () => {
  const { edit } = await start({ retryScale: 0 });
  receiver.answerWith(...Array.from({ length: 20 }, () => 503));
  await edit('A');
  await notion.settle();
  expect(received().length).toBe(8);
  expect(notion.deliveries({ state: 'failed' }).length).toBe(1);
});

test('a timeout of the endpoint is retried', async () => {
  const { edit } = await start({ timeoutMs: 1_000, retryScale: 0 });
  const patience = new AbortController();
  const timeouts = vi.spyOn(AbortSignal, 'timeout').mockReturnValueOnce(patience.signal);
  receiver.answerWith('hang');
  await edit('A');
  await receiver.waitFor(1);
  patience.abort();
  await notion.settle();
  expect(timeouts.mock.calls).toEqual([[1_000], [1_000]]);
  expect(notion.deliveries({ state: 'delivered', type: 'database.content_updated' })[0]?.attempts.map(({ result }) => result)).toEqual([
    { kind: 'network_error', code: 'ECONNABORTED' },
    { kind: 'answer', status: 200 },
  ]);
});

test('changes within one window become one event; a change and its reversal become none', async () => {
  const aggregationMs = 500;
  const { edit, trash } = await start({ aggregationMs });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const windowEnds = async () => {
    vi.advanceTimersByTime(aggregationMs);
    await notion.settle();
  };
  for (const title of ['A', 'B', 'C']) await edit(title);
  await trash(true);
  await trash(false);
  expect(received()).toEqual([]);
  await windowEnds();
  expect(received().map(({ type }) => type)).toEqual(['database.content_updated']);
  await trash(true);
  await trash(false);
  await windowEnds();
  expect(received().length).toBe(1);
  await trash(true);
  await windowEnds();
  expect(received().map(({ type }) => type)).toEqual(['database.content_updated', 'database.deleted']);
});

test('a delay applies to every event', async () => {
  const { edit } = await start({ delayMs: [3_600_000, 3_600_000] });
  await edit('A');
  notion.settings.change({ delivery: { delayMs: [1, 2] } });
  await edit('B');
  await receiver.waitFor(1);
  const [held, next] = notion.deliveries({ type: 'database.content_updated' });
  expect(held).toMatchObject({ state: 'pending', attempts: [] });
  expect(received().map(({ id }) => id)).toEqual([next?.eventId]);
});

test('a duplicate is the same event again', async () => {
  const { edit } = await start({ duplicateProbability: 1 });
  await edit('A');
  await notion.settle();
  expect(received().length).toBe(2);
  expect(receiver.received[0]?.body).toBe(receiver.received[1]?.body);
  expect(notion.deliveries({ type: 'database.content_updated' }).map(({ isDuplicate }) => isDuplicate)).toEqual([false, true]);
});

test('later events overtake reordered ones', async () => {
  const { edit } = await start({ reorderProbability: 1, reorderMs: 3_600_000 });
  await edit('A');
  notion.settings.change({ delivery: { reorderProbability: 0.5, reorderMs: 5 } });
  for (let number = 0; number < 20; number += 1) await edit(String(number));
  await receiver.waitFor(20);
  const [held, ...later] = notion.deliveries({ type: 'database.content_updated' });
  expect(held).toMatchObject({ state: 'pending', attempts: [] });
  expect(new Set(received().map(({ id }) => id))).toEqual(new Set(later.map(({ eventId }) => eventId)));
});

test('dropped events are only in the log, and the seed determines them', async () => {
  const first = await statesOfTwenty();
  expect(new Set(first)).toEqual(new Set(['delivered', 'dropped']));
  receiver.received.length = 0;
  expect(await statesOfTwenty()).toEqual(first);
});

test('settle names pending deliveries in its error', async () => {
  const { edit } = await start({ delayMs: [5000, 5000] });
  await edit('A');
  await expect(notion.settle({ timeoutMs: 20 })).rejects.toThrow('1 in flight, among them database.content_updated (0 attempts)');
});

test('stopping drops unsent events', async () => {
  const { edit } = await start({ aggregationMs: 5000 });
  await edit('A');
  await notion.stop();
  await notion.settle();
  expect(receiver.received).toEqual([]);
});

/** Which of twenty edits were delivered. */
async function statesOfTwenty() {
  const { edit } = await start({ dropProbability: 0.5 }, 'which');
  for (let number = 0; number < 20; number += 1) await edit(String(number));
  await notion.settle();
  const result = notion.deliveries({ type: 'database.content_updated' }).map(({ state }) => state);
  expect(received().length).toBe(result.filter((state) => state === 'delivered').length);
  return result;
}
