import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { inject } from 'vitest';

const axeSource = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

/** The one browser of the run. */
export async function connectBrowser(): Promise<Browser> {
  const endpoint = inject('browser');
  if (endpoint === null) throw new Error('there is no Chromium: the test should have been skipped');
  return chromium.connect(endpoint);
}

export const hasBrowser = (): boolean => inject('browser') !== null;

export interface OpenPage {
  readonly page: Page;
  /** Errors on the browser's console, unexpected errors of the page, and reports of its content security policy. */
  readonly complaints: string[];
}

/** An empty page in a context of its own. `expected`: complaints that the test provokes, such as those about a failing server. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}, expected: readonly RegExp[] = []): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const complain = (text: string) => {
    if (!expected.some((pattern) => pattern.test(text))) complaints.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complain(`uncaught: ${error.message}`));
  page.on('requestfailed', (request) => {
    // A page that is left stops asking.
    if (request.failure()?.errorText !== 'net::ERR_ABORTED') complain(`request failed: ${request.url()}`);
  });
  return { page, complaints };
}

/** Goes to another page without loading the document again, which takes a third of the time. */
export async function goWithin(page: Page, path: string): Promise<void> {
  const go = async (to: string) =>
    page.evaluate((address) => {
      history.pushState({}, '', address);
      dispatchEvent(new PopStateEvent('popstate'));
    }, to);
  // The page before stays until the next is there, so something known comes in between.
  const between = page.getByRole('heading', { level: 1, name: 'No such page' });
  await go('/nothing/here');
  await between.waitFor();
  if (path === '/nothing/here') return;
  await go(path);
  await between.waitFor({ state: 'detached' });
}

/** The page is drawn, and nothing is being asked. */
export async function settled(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.body.innerText.includes('Asking…'));
}

/** What axe has to say against the page, with where. Empty: nothing. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { readonly axe: { run(options: object): Promise<AxeResults> } };
    return axe.run({ resultTypes: ['violations'] });
  });
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary ?? ''}`),
  );
}
