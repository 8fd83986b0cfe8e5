import type { BrowserContextOptions, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { now } from './answers.ts';
import { connectBrowser, openPage } from './open-page.ts';
import { startStubServer, type StubAnswers, type StubServer } from './stub-server.ts';

interface Options {
  readonly answers?: Partial<StubAnswers>;
  readonly context?: BrowserContextOptions;
  /** Complaints that the test provokes. */
  readonly expected?: readonly RegExp[];
}

interface Opened {
  readonly page: Page;
  readonly server: StubServer;
  readonly complaints: readonly string[];
}

/** A server and an empty page that are the test's own, until it has finished. The page's clock stands still when the answers were recorded. */
export async function openStubbed({ answers, context, expected }: Options = {}): Promise<Opened> {
  const server = await startStubServer(answers);
  const browser = await connectBrowser();
  onTestFinished(async () => {
    await browser.close();
    await server.close();
  });
  const { page, complaints } = await openPage(browser, { ...context, baseURL: server.url }, expected);
  await page.clock.setFixedTime(now);
  return { page, server, complaints };
}
