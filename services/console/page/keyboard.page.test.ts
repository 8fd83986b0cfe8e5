import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { now } from './testing/answers.ts';
import { hasBrowser, settled, violations } from './testing/open-page.ts';
import { openStubbed } from './testing/open-stubbed.ts';

const path = (page: Page) => new URL(page.url()).pathname;
/** The text of the link, button or heading that has the focus. */
const focused = async (page: Page) => page.locator(':focus').innerText();

describe.skipIf(!hasBrowser())('by keyboard', () => {
  test('a customer’s database is found, opened and asked about by keyboard alone', async () => {
    const { page, server } = await openStubbed();
    await page.goto('/');
    await settled(page);
    await page.keyboard.press('/');
    const box = page.getByRole('textbox', { name: 'Find' });
    await box.waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.type('https://www.notion.so/Roadmap-248104cd477e80fdb757e945d38000bd');
    await page.getByText('Database: Roadmap').waitFor();
    const selected = async () => (await page.locator('[data-selected]').allInnerTexts()).join();
    await expect
      .poll(async () => {
        await page.keyboard.press('ArrowDown');
        return selected();
      })
      .toContain('Database: Roadmap');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Roadmap' }).waitFor();
    // The page announces itself: its heading has the focus, and the next Tab goes on from there.
    expect(await focused(page)).toContain('Roadmap');
    const ask = page.getByRole('button', { name: 'Equal to Notion?' });
    for (let tabs = 0; tabs < 15 && (await focused(page)) !== 'Equal to Notion?'; tabs += 1) await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Equal to Notion?');
    await page.keyboard.press('Enter');
    await page.getByText('The mirror differs from Notion.').waitFor();
    expect(server.requests.filter((request) => request.startsWith('POST'))).toHaveLength(1);
    expect(await violations(page)).toEqual([]);
    await ask.waitFor();
  });

  test('what is pasted into the box is opened by Enter, once it is found', async () => {
    const { page } = await openStubbed();
    await page.goto('/');
    await settled(page);
    await page.keyboard.press('/');
    await page.getByRole('textbox', { name: 'Find' }).waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.insertText('acme');
    await page.getByText('Tenant: acme').waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'acme' }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused(page)).toBe('acme');
  });

  test('letters go to pages, rows are walked, and no key changes anything', async () => {
    const { page, server, complaints } = await openStubbed();
    await page.goto('/');
    await settled(page);
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.getByRole('heading', { level: 1, name: 'Tenants' }).waitFor();
    await page.getByRole('link', { name: 'globex' }).waitFor();
    await page.keyboard.press('j');
    expect(await focused(page)).toBe('globex');
    await page.keyboard.press('j');
    expect(await focused(page)).toBe('acme');
    await page.keyboard.press('k');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'acme' }).waitFor();
    expect(path(page)).toBe('/t/acme');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    for (const key of 'abcdefhimnopqrstuvwxyz0123456789') await page.keyboard.press(key);
    expect(path(page)).toBe('/t/acme');
    expect(server.requests.filter((request) => !request.startsWith('GET'))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test.each(['/events', '/audit'])('a field of the filter of %s keeps the focus while the list follows it', async (address) => {
    const { page } = await openStubbed();
    await page.goto(address);
    await settled(page);
    await page.getByLabel('Tenant', { exact: true }).click();
    await page.keyboard.type('ac');
    await page.waitForURL(/tenant=ac$/);
    await settled(page);
    await page.keyboard.type('me');
    await page.waitForURL(/tenant=acme$/);
    expect(await page.getByLabel('Tenant', { exact: true }).inputValue()).toBe('acme');
  });

  test('a letter in a field is a letter', async () => {
    const { page } = await openStubbed();
    await page.goto('/tenants');
    await settled(page);
    await page.getByLabel('Tenant', { exact: true }).click();
    await page.keyboard.type('gd?j/');
    expect(await page.getByLabel('Tenant', { exact: true }).inputValue()).toBe('gd?j/');
    expect(path(page)).toBe('/tenants');
    await page.keyboard.press('Control+k');
    await page.getByRole('textbox', { name: 'Find' }).waitFor();
  });

  test('events of a time are found, and the address means the same tomorrow', async () => {
    const { page, server } = await openStubbed();
    await page.goto('/events');
    await settled(page);
    await page.getByLabel('From', { exact: true }).fill('2h');
    await page.getByLabel('Until', { exact: true }).fill('90m');
    await page.waitForURL(/from=.*to=/);
    await settled(page);
    await page.getByText('in the past').waitFor();
    const asked = new URLSearchParams(server.requests.findLast((request) => request.includes('/events'))?.split('?')[1]);
    const before = [120, 90].map((minutes) => new Date(now - minutes * 60_000).toISOString());
    expect([asked.get('from'), asked.get('to')]).toEqual(before);
  });

  test('the whole state is in the address: a reload shows the same', async () => {
    const { page, server } = await openStubbed();
    await page.goto('/events');
    await settled(page);
    await page.getByLabel('Outcome', { exact: true }).selectOption('parked');
    await page.waitForURL(/outcome=parked/);
    await page.getByRole('switch', { name: 'Live' }).click({ force: true });
    await page.waitForURL(/live=off/);
    await page.reload();
    await settled(page);
    expect(await page.getByLabel('Outcome', { exact: true }).inputValue()).toBe('parked');
    expect(await page.getByRole('switch', { name: 'Live' }).isChecked()).toBe(false);
    expect(server.requests.findLast((request) => request.includes('/events'))).toBe('GET /events?outcome=parked');
  });
});
