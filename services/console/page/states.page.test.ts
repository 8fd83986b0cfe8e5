import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readOnly } from './testing/answers.ts';
import { emptyAnswers } from './testing/empty-answers.ts';
import { connectBrowser, goWithin, hasBrowser, openPage, settled, violations, type OpenPage } from './testing/open-page.ts';
import { pages } from './testing/pages.ts';
import { startStubServer, type StubAnswers, type StubServer } from './testing/stub-server.ts';

/** Whether the page shows anything of the server. */
const asks = (name: string) => !['no such page', 'explain, the form', 'plan of nothing', 'plan of a replay, the form'].includes(name);

/** Pages with something that acts, while there is something to act on. */
const acting: readonly string[] = [
  'tenants',
  'tenant, connections',
  'tenant, comparison',
  'tenant, dead letters',
  'database, schema',
  'dead letters',
  'dead letter',
  'plan of dead letters',
  'plan of a replay',
  'job',
  'replay',
  'sweeps',
];

/** What can be done, and why not. Runs in the browser. */
function readActs(elements: readonly Element[]) {
  return elements.map((element) => ({
    text: element.textContent,
    isEnabled: element.matches('a, :enabled'),
    why: (element.getAttribute('aria-describedby') ?? '')
      .split(' ')
      .map((id) => document.querySelector(`[id="${id}"]`)?.textContent ?? '')
      .join('')
      .trim(),
  }));
}

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
    const acts = await page.locator('main [data-acts]').evaluateAll(readActs);
    expect(acts.length > 0 || state !== 'demo' || !acting.includes(name)).toBe(true);
    expect(acts.filter(({ isEnabled, why }) => !isEnabled && why === '')).toEqual([]);
    // A viewer can do nothing, anywhere, and nothing was tried.
    expect(acts.filter(({ isEnabled }) => isEnabled && state === 'read-only')).toEqual([]);
    expect(state === 'read-only' ? server.orders : []).toEqual([]);
    const alerts = await page.getByRole('alert').getByText('MongoDB does not answer.').count();
    expect(alerts > 0).toBe(isFailing && asks(name));
  });
});
