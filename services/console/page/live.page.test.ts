import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { eventLine, now } from './testing/answers.ts';
import { hasBrowser, settled, violations } from './testing/open-page.ts';
import { arriving, type StubServer } from './testing/stub-server.ts';
import { openStubbed } from './testing/open-stubbed.ts';

const many = {
  events: Array.from({ length: 100 }, (_, n) => eventLine(n + 1, { title: `Loaded ${n}` })),
  next: null,
  searchedTo: null,
  keptDays: 14,
};
/** The page follows, and has loaded its list again since. */
async function followed(server: StubServer): Promise<void> {
  await server.listened();
  await expect.poll(() => server.requests.filter((request) => request.startsWith('GET /events')).length).toBe(2);
}

const firstTitle = async (page: Page) => page.locator('tbody tr').first().locator('td').nth(2).innerText();

describe.skipIf(!hasBrowser())('live', () => {
  test('live events come in at the top while the list is not being read', async () => {
    const { page, server, complaints } = await openStubbed({ answers: { events: many } });
    await page.goto('/events');
    await settled(page);
    await followed(server);
    server.stream({ events: arriving(500, 3), left: 0 });
    await page.getByText('Arrived 500').waitFor();
    expect(await firstTitle(page)).toBe('Arrived 500');
    expect(complaints).toEqual([]);
  });

  test('nothing moves while the list is being read: what came waits behind a pill', async () => {
    const { page, server } = await openStubbed({ answers: { events: many } });
    await page.goto('/events');
    await settled(page);
    await followed(server);
    await page.evaluate(() => window.scrollTo({ top: 1_500 }));
    const top = async () => page.getByText('Loaded 60', { exact: true }).evaluate((element) => element.getBoundingClientRect().top);
    const before = await top();
    for (let n = 0; n < 10; n += 1) server.stream({ events: arriving(500 + n * 20, 20), left: 0 });
    const pill = page.getByRole('button', { name: '200 new' });
    await pill.waitFor();
    expect(await top()).toBe(before);
    expect(await page.getByText('200 new events').count()).toBe(1);
    expect(await violations(page)).toEqual([]);
    await pill.click();
    await page.getByText('Arrived 680').waitFor();
    expect(await page.evaluate(() => window.scrollY)).toBe(0);
    expect(await pill.count()).toBe(0);
  });

  test('an event waits until its outcome comes, in the same row, also while the list is being read', async () => {
    const { page, server, complaints } = await openStubbed({ answers: { events: many } });
    await page.goto('/events');
    await settled(page);
    await followed(server);
    const waiting = eventLine(500, { id: 'event-500', eventId: 'event-500', title: 'Arrived 500', outcome: 'waiting' });
    server.expect({ events: [waiting] });
    const row = page.locator('tbody tr').filter({ hasText: 'Arrived 500' });
    await row.getByText('waiting').waitFor();
    const link = row.getByRole('link').first();
    expect(await link.getAttribute('href')).toBe('/explain/event-500');
    await link.focus();
    server.stream({
      events: [eventLine(500, { eventId: 'event-500', title: 'Arrived 500' }), eventLine(501, { title: 'Later' })],
      left: 0,
    });
    await row.getByText('written').waitFor();
    expect(await link.getAttribute('href')).toMatch(/^\/events\//);
    expect(await link.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await page.locator('tbody tr').count()).toBe(101);
    await page.getByRole('button', { name: '1 new' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('a gap loads the list again, but not while it is being read', async () => {
    const { page, server } = await openStubbed({ answers: { events: many } });
    await page.goto('/events');
    await settled(page);
    await followed(server);
    const loads = () => server.requests.filter((request) => request.startsWith('GET /events'));
    const before = loads().length;
    server.gap();
    await expect.poll(() => loads().length).toBe(before + 1);
    await page.evaluate(() => window.scrollTo({ top: 1_500 }));
    server.gap();
    const pill = page.getByRole('button', { name: 'Show the new ones' });
    await pill.waitFor();
    expect(loads()).toHaveLength(before + 1);
    await pill.click();
    await expect.poll(() => loads().length).toBe(before + 2);
  });

  test('what does not fit the filter does not come', async () => {
    const { page, server } = await openStubbed({ answers: { events: many } });
    await page.goto('/events?outcome=written');
    await settled(page);
    await followed(server);
    server.stream({ events: [eventLine(900, { title: 'Other', outcome: 'parked' }), eventLine(901, { title: 'Fits' })], left: 0 });
    await page.getByText('Fits', { exact: true }).waitFor();
    expect(await page.getByText('Other', { exact: true }).count()).toBe(0);
  });

  test('those that need a look are a filter, in the address, and of what arrives only they come', async () => {
    const { page, server } = await openStubbed();
    await page.goto('/');
    await settled(page);
    await page.getByRole('link', { name: 'Those that need a look' }).click();
    await page.getByRole('switch', { name: 'Needs a look' }).and(page.locator(':checked')).waitFor();
    expect(server.requests).toContain('GET /events?needsLook=1');
    await server.listened();
    server.stream({
      events: [eventLine(500, { title: 'Routine' }), eventLine(501, { title: 'Parked', outcome: 'parked', needsLook: true })],
      left: 0,
    });
    await page.getByText('Parked', { exact: true }).waitFor();
    expect(await page.getByText('Routine').count()).toBe(0);
    await page.getByRole('switch', { name: 'Needs a look' }).uncheck();
    await expect.poll(() => new URL(page.url()).search).toBe('');
  });

  test('many events leave the page small', async () => {
    const { page, server } = await openStubbed({ answers: { events: many } });
    await page.goto('/events');
    await settled(page);
    await followed(server);
    for (let n = 0; n < 100; n += 1) server.stream({ events: arriving(1_000 + n * 20, 20), left: 180 });
    await page.getByText('Arrived 2980').waitFor();
    await page.getByText('18,000 events left out').waitFor();
    expect(await page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(3_000);
  });

  // An outcome between the load of the list and the beginning of the stream was never shown.
  test('what came before the server began to follow is loaded', async () => {
    const { page, server } = await openStubbed({ answers: { events: many } });
    await page.route('**/api/stream*', async (route) => {
      await expect.poll(() => server.requests.some((request) => request.startsWith('GET /events'))).toBe(true);
      server.answers.events = { ...many, events: [eventLine(700, { title: 'In between' }), ...many.events] };
      await route.continue();
    });
    await page.goto('/events');
    await page.getByText('In between', { exact: true }).waitFor();
  });

  test('ages are right at once on a page that is opened long after another one', async () => {
    const { page } = await openStubbed();
    await page.goto('/explain');
    await settled(page);
    await page.clock.setFixedTime(now + 300_000);
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    const webhook = page.locator(`main time[datetime="${new Date(now - 2_000).toISOString()}"]`).first();
    expect(await webhook.innerText()).toMatch(/ 5 min ago$/);
  });

  test('the overview shows what arrives', async () => {
    const { page, server } = await openStubbed();
    await page.goto('/');
    await settled(page);
    await server.listened();
    server.stream({ events: arriving(500, 1), left: 0 });
    await page.getByText('Arrived 500').waitFor();
    expect(await page.getByRole('region', { name: 'Latest events' }).locator('tbody tr').count()).toBe(6);
  });
});
