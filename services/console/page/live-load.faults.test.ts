import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startConsoleProcess, type ConsoleProcess } from '@notion-mirror/console/testing/console-process';
import { openTestConsole, type TestConsole } from '@notion-mirror/console/testing/test-console';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startEventLoad, type EventLoad } from '../src/testing/event-load.ts';
import { findChromium } from './testing/chromium.ts';
import { openPage, settled } from './testing/open-page.ts';

// A page that is open while 200 events a second arrive: it neither grows nor moves under its reader, and neither does the console's memory.

const minutes = Number(process.env['MIRROR_TEST_LIVE_MINUTES'] ?? 10);
const perSecond = 200;
const all = Math.round(minutes * 60 * perSecond);
const found = await findChromium();

describe.skipIf('missing' in found)(`${minutes} minutes of ${perSecond} events a second`, () => {
  let tested: TestConsole;
  let service: ConsoleProcess;
  let browser: Browser;
  let load: EventLoad;
  beforeAll(async () => {
    if ('missing' in found) return;
    const built = spawnSync(process.execPath, [join(import.meta.dirname, 'build.ts')], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`the page could not be built:\n${built.stdout}${built.stderr}`);
    browser = await chromium.launch({ executablePath: found.file, args: [...found.args] });
    tested = await openTestConsole(inject('stack'));
    for (const workspaceId of ['acme', 'globex']) await tested.connect({ workspaceId });
    service = startConsoleProcess(tested.env);
    load = await startEventLoad(tested, { perSecond, tenants: ['acme', 'globex'] });
  });
  afterAll(async () => {
    if ('missing' in found) return;
    await load.stop();
    await browser.close();
    service.kill('SIGTERM');
    await service.exited;
    await tested.close();
  });

  /** When so many events have been sent since the beginning. */
  const sent = async (count: number) =>
    expect.poll(() => load.sent(), { timeout: 3 * minutes * 60_000 + 60_000, interval: 500 }).toBeGreaterThanOrEqual(count);

  test('leave heap, document and process as they were, and the reader in place', { timeout: 4 * minutes * 60_000 + 300_000 }, async () => {
    await expect.poll(() => service.port('console port listens')).not.toBe(0);
    await sent(400);
    const { page, complaints } = await openPage(browser, { baseURL: `http://127.0.0.1:${service.port('console port listens')}` });
    await page.goto('/events');
    await settled(page);
    await page.getByText('following').waitFor();
    await page.locator('tbody tr').filter({ hasText: 'database.content_updated' }).first().waitFor();

    // The list is as long as it gets, and everything is loaded.
    await sent(load.sent() + Math.min(all * 0.2, 60 * perSecond));
    const before = await sizeOf(page, service);
    await sent(400 + all * 0.5);
    const atTop = await sizeOf(page, service);

    await page.evaluate(() => window.scrollTo({ top: 1_200 }));
    // Only the rows around what is in sight are in the document.
    const row = await page.waitForFunction(() =>
      [...document.querySelectorAll('tbody tr')].find((element) => element.getBoundingClientRect().top > 250 && element.textContent !== ''),
    );
    const place = async () =>
      row.evaluate((element) => [
        element?.isConnected,
        element?.getBoundingClientRect().top,
        element?.textContent?.slice(0, 8),
        window.scrollY,
      ]);
    const read = await place();
    expect(read[0]).toBe(true);
    for (let step = 1; step <= 10; step += 1) {
      await sent(400 + all * (0.5 + step * 0.05));
      expect(await place()).toEqual(read);
    }
    const after = await sizeOf(page, service);
    await page.getByRole('button', { name: /new$/ }).click();
    await expect.poll(() => page.evaluate(() => window.scrollY)).toBe(0);
    console.log({ before, atTop, after, sent: load.sent() });

    for (const size of [atTop, after]) {
      expect(size.nodes).toBeLessThan(before.nodes * 1.2 + 500);
      expect(size.heapMb).toBeLessThan(before.heapMb * 1.25 + 5);
      expect(size.heapMb).toBeLessThan(60);
      expect(size.processMb).toBeLessThan(before.processMb * 1.25 + 20);
    }
    expect(complaints).toEqual([]);
  });
});

/** What is left after a collection: the page's heap, MB, and its nodes; and the console's resident memory, MB. */
async function sizeOf(page: Page, { pid }: ConsoleProcess): Promise<{ heapMb: number; nodes: number; processMb: number }> {
  const client = await page.context().newCDPSession(page);
  await client.send('HeapProfiler.collectGarbage');
  await client.send('Performance.enable');
  const { metrics } = await client.send('Performance.getMetrics');
  const metric = (name: string) => metrics.find((one) => one.name === name)?.value ?? Number.NaN;
  await client.detach();
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    heapMb: Math.round(metric('JSHeapUsedSize') / 1e5) / 10,
    nodes: metric('Nodes'),
    processMb: Math.round(Number(resident) / 1_000),
  };
}
