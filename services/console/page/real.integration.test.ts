import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { buryEvents } from '@notion-mirror/console/testing/bury-events';
import { startConsoleProcess, type ConsoleProcess } from '@notion-mirror/console/testing/console-process';
import { richText } from '@notion-mirror/demo/notion-user';
import { startSystem, type System } from '@notion-mirror/demo/system';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { findChromium } from './testing/chromium.ts';
import { openPage, settled, violations } from './testing/open-page.ts';
import { takePicture } from './testing/picture.ts';
import { tabTo } from './testing/tab-to.ts';

// The page with the real console, on real servers, between the emulators of Notion and Nango.

const found = await findChromium();

describe.skipIf('missing' in found)('a real console', () => {
  let system: System;
  let service: ConsoleProcess;
  let browser: Browser;
  beforeAll(async () => {
    if ('missing' in found) return;
    const built = spawnSync(process.execPath, [join(import.meta.dirname, 'build.ts')], { encoding: 'utf8' });
    if (built.status !== 0) throw new Error(`the page could not be built:\n${built.stdout}${built.stderr}`);
    browser = await chromium.launch({ executablePath: found.file, args: [...found.args] });
    system = await startSystem(inject('stack'), { name: `page_${process.pid}_${Date.now().toString(36)}` });
    service = startConsoleProcess(system.env);
    await Promise.all((['ingress', 'sync-worker', 'delete-worker'] as const).map((name) => system.start(name)));
  });
  afterAll(async () => {
    if ('missing' in found) return;
    await browser.close();
    service.kill('SIGTERM');
    await service.exited;
    await system.db.dropDatabase();
    await system.stop();
  });

  test('a customer’s edit is seen as it arrives, on its way, in its document, and equal to Notion', async () => {
    await expect.poll(() => service.port('console port listens')).not.toBe(0);
    const { page, complaints } = await openPage(browser, { baseURL: `http://127.0.0.1:${service.port('console port listens')}` });
    await page.goto('/');
    await settled(page);
    const acme = await system.connect('acme', 'Acme');
    const tasks = await acme.user.createDatabase(acme.pages.home, 'Tasks', { Name: { title: {} }, N: { number: {} } });

    await page.goto('/events?tenant=acme');
    await settled(page);
    // Its creation is through, so that the edit has a fetch of its own.
    const about = page.locator('tbody tr', { has: page.locator(`a[title="${tasks.databaseId}"]`) });
    const created = about.filter({ hasText: 'created' }).filter({ hasText: 'written' });
    await created.first().waitFor({ timeout: 60_000 });
    await acme.user.editDatabase(tasks.databaseId, { title: richText('Roadmap 2027') });
    const line = about.filter({ hasText: 'database.content_updated' }).filter({ hasText: 'written' }).first();
    await line.waitFor({ timeout: 60_000 });
    await line.getByRole('link').first().click();

    await page.getByRole('heading', { level: 1, name: 'One change' }).waitFor();
    await settled(page);
    await page.getByRole('row', { name: /Asking Notion/ }).waitFor();
    expect(await violations(page)).toEqual([]);
    await takePicture(page, 'change');
    // By its id: lists may show a title of some seconds ago.
    await page.locator(`main a[title="${tasks.databaseId}"]`).first().click();

    await page.getByRole('heading', { level: 1, name: 'Roadmap 2027' }).waitFor();
    await settled(page);
    await page.getByRole('cell', { name: 'Name', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Equal to Notion?' }).click();
    await page
      .getByRole('alert')
      .getByText(/^Equal/)
      .waitFor({ timeout: 60_000 });
    expect(await violations(page)).toEqual([]);
    await takePicture(page, 'database');

    for (const name of ['Rows', 'History', 'Raw', 'Use it']) {
      await page.getByRole('tab', { name }).click();
      await settled(page);
    }
    for (const path of [
      '/',
      '/tenants',
      '/t/acme',
      `/explain/${tasks.databaseId}`,
      '/dead-letters',
      '/replays',
      '/sweeps',
      '/doctor',
      '/audit',
    ]) {
      await page.goto(path);
      await settled(page);
      expect([path, ...(await violations(page))]).toEqual([path]);
      if (path === '/') await takePicture(page, 'overview');
      expect([path, await page.getByRole('alert').filter({ hasText: 'unexpected' }).count()]).toEqual([path, 0]);
    }
    expect(complaints).toEqual([]);
  });

  test('poisonous letters are redriven by keyboard, the job is seen to its end, and the command agrees', async () => {
    const { page, complaints } = await openPage(browser, { baseURL: `http://127.0.0.1:${service.port('console port listens')}` });
    const globex = await system.connect('globex', 'Globex');
    for (const title of ['One', 'Two', 'Three', 'Four', 'Five', 'Six']) {
      await globex.user.createDatabase(globex.pages.home, title, { Name: { title: {} } });
    }
    await expect.poll(async () => system.differences('globex'), { timeout: 60_000 }).toEqual([]);
    await buryEvents(system.env, 6, 'unknown_schema');
    const waiting = async () => (JSON.parse(await system.mirror('dead-letters', 'list', '--json')) as { readonly letters: number }).letters;
    expect(await waiting()).toBe(6);

    await page.goto('/dead-letters');
    await page.getByRole('link', { name: 'Redrive: poison, unknown_schema' }).waitFor();
    await tabTo(page, 'Redrive: poison, unknown_schema');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Redrive 6 letters' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await takePicture(page, 'plan');
    await tabTo(page, 'Reason');
    await page.keyboard.type('the schema is registered again');
    await page.keyboard.press('Enter');

    await page.getByRole('heading', { level: 1, name: 'Job: Redrive dead letters' }).waitFor();
    await page.getByRole('status').getByText('It is done.').waitFor({ timeout: 90_000 });
    await page.getByText('6 of 6 letters done, none came back.').waitFor();
    expect(await violations(page)).toEqual([]);
    await takePicture(page, 'job');
    expect(await waiting()).toBe(0);
    await tabTo(page, 'Dead letters');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing waits for you').waitFor();
    const { actions } = JSON.parse(await system.mirror('audit', 'list', '--action', 'dead_letters.redrive', '--json')) as {
      readonly actions: readonly object[];
    };
    expect(actions).toMatchObject([{ via: 'console', outcome: 'done', reason: 'the schema is registered again', counts: { redriven: 6 } }]);
    expect(complaints).toEqual([]);
  });
});
