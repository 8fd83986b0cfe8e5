import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { TestProject } from 'vitest/node';
import { findChromium } from './chromium.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the one browser of the run listens; null: there is none on this machine. */
    readonly browser: string | null;
  }
}

/** Builds the page, and starts the browser that all files share. */
export default async function setUp({ provide }: TestProject): Promise<() => Promise<void>> {
  const found = await findChromium();
  if ('missing' in found) {
    console.warn(`\nThe tests of the console's page are skipped: ${found.missing}.\n`);
    provide('browser', null);
    return () => Promise.resolve();
  }
  const built = spawnSync(process.execPath, [join(import.meta.dirname, '..', 'build.ts')], { encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the page could not be built:\n${built.stdout}${built.stderr}`);
  const server = await chromium.launchServer({ executablePath: found.file, args: [...found.args], headless: true });
  provide('browser', server.wsEndpoint());
  return async () => server.close();
}
