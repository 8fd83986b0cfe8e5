import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { databaseId, eventId, pageId, readOnly } from './testing/answers.ts';
import { emptyAnswers } from './testing/empty-answers.ts';
import { connectBrowser, goWithin, hasBrowser, openPage, settled, violations, type OpenPage } from './testing/open-page.ts';
import { startStubServer, type StubAnswers, type StubServer } from './testing/stub-server.ts';

const pages = {
  overview: '/',
  tenants: '/tenants',
  'tenant, databases': '/t/acme',
  'tenant, events': '/t/acme?tab=events',
  'tenant, connections': '/t/acme?tab=connections',
  'tenant, comparison': '/t/acme?tab=sweeps',
  'tenant, dead letters': '/t/acme?tab=dead-letters',
  'database, schema': `/t/acme/d/${databaseId}`,
  'database, rows': `/t/acme/d/${databaseId}?tab=rows`,
  'database, history': `/t/acme/d/${databaseId}?tab=history`,
  'database, raw': `/t/acme/d/${databaseId}?tab=raw`,
  'database, use it': `/t/acme/d/${databaseId}?tab=use`,
  row: `/t/acme/r/${pageId}`,
  events: '/events',
  'one change': `/events/${eventId}`,
  'explain, the form': '/explain',
  explain: `/explain/${databaseId}`,
  'dead letters': '/dead-letters?class=poison&code=undecodable',
  'dead letter': '/dead-letters/3/17',
  replays: '/replays',
  replay: '/replays/b2a0c0de-0000-4000-8000-000000000001',
  sweeps: '/sweeps',
  doctor: '/doctor',
  audit: '/audit',
  'audit, filtered': '/audit?who=ann%40example.com&action=replay.run',
  'no such page': '/nothing/here',
} as const;

/** Whether the page shows anything of the server. */
const asks = (name: string) => name !== 'no such page' && name !== 'explain, the form';

interface State {
  readonly answers?: Partial<StubAnswers>;
  readonly isFailing?: boolean;
  readonly context?: BrowserContextOptions;
  readonly expected?: readonly RegExp[];
}

const states: Readonly<Record<string, State>> = {
  demo: {},
  empty: { answers: emptyAnswers },
  failing: { isFailing: true, expected: [/status of 503/] },
  'read-only': { answers: { me: readOnly } },
  dark: { context: { colorScheme: 'dark' } },
  '400 px': { context: { viewport: { width: 400, height: 800 } } },
};

describe.skipIf(!hasBrowser()).each(Object.entries(states))('%s', (state, { answers, isFailing = false, context, expected }) => {
  let browser: Browser;
  let server: StubServer;
  let open: OpenPage;
  beforeAll(async () => {
    browser = await connectBrowser();
    server = await startStubServer(answers);
    server.isFailing = isFailing;
    open = await openPage(browser, context, expected);
    await open.page.goto(`${server.url}/nothing/here`);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test.each(Object.entries(pages))('%s', async (name, path) => {
    const { page, complaints } = open;
    if (state === 'demo') await page.goto(`${server.url}${path}`);
    else await goWithin(page, path);
    await settled(page);
    expect(await page.locator('h1').count()).toBe(1);
    expect(await page.title()).toMatch(/ · notion-mirror$/);
    expect(await violations(page)).toEqual([]);
    expect(complaints.splice(0)).toEqual([]);
    // Nothing but tables and raw objects scrolls sideways.
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    const alerts = await page.getByRole('alert').getByText('MongoDB does not answer.').count();
    expect(alerts > 0).toBe(isFailing && asks(name));
  });
});
