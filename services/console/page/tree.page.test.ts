import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobs, me, now, readOnly } from './testing/answers.ts';
import { connectBrowser, goWithin, hasBrowser, openPage, settled } from './testing/open-page.ts';
import { pages } from './testing/pages.ts';
import { startStubServer, type StubServer } from './testing/stub-server.ts';

// What a screen reader finds, as a tree, against a file for each page. After a change that is meant: `npm test -- --project page services/console/page/tree -u`.

const folder = join(import.meta.dirname, 'testing', 'trees');
const fileOf = (name: string) => join(folder, `${name.replaceAll(/\W+/g, '-')}.txt`);

describe.skipIf(!hasBrowser())('the tree of', () => {
  let browser: Browser;
  let server: StubServer;
  let page: Page;
  beforeAll(async () => {
    browser = await connectBrowser();
    server = await startStubServer();
    ({ page } = await openPage(browser, { timezoneId: 'UTC' }));
    await page.clock.setFixedTime(now);
    await page.goto(`${server.url}/nothing/here`);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test.each(Object.entries(pages).filter(([name]) => name !== 'job'))('%s', async (name, path) => {
    await goWithin(page, path);
    await settled(page);
    await expect(await page.getByRole('main').ariaSnapshot()).toMatchFileSnapshot(fileOf(name));
  });

  test.each(Object.entries(jobs))('a job that is %s', async (name, job) => {
    server.answers.job = job;
    // Each has an address of its own, so that none is known before.
    await goWithin(page, `/jobs/${encodeURIComponent(name)}`);
    await settled(page);
    await expect(await page.getByRole('main').ariaSnapshot()).toMatchFileSnapshot(fileOf(`job ${name}`));
  });

  test('the dialog that accepts removals', async () => {
    await goWithin(page, pages.sweeps);
    await page.getByRole('button', { name: 'Accept removals: acme' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').waitFor();
    await expect(await dialog.ariaSnapshot()).toMatchFileSnapshot(fileOf('dialog accept removals'));
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  test('dead letters, for a viewer', async () => {
    server.answers.me = readOnly;
    await page.goto(`${server.url}${pages['dead letters']}`);
    await settled(page);
    await expect(await page.getByRole('main').ariaSnapshot()).toMatchFileSnapshot(fileOf('viewer dead letters'));
    server.answers.me = me;
    await page.goto(`${server.url}/nothing/here`);
  });
});
