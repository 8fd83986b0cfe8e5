import { join } from 'node:path';
import type { Page } from 'playwright-core';

const folder = join(import.meta.dirname, '../../../../docs/images');

/** Takes the picture of docs/console.md that has this name, when the tests run with MIRROR_TEST_PICTURES=1. */
export async function takePicture(page: Page, name: string): Promise<void> {
  if (process.env['MIRROR_TEST_PICTURES'] !== '1') return;
  await page.screenshot({ path: join(folder, `console-${name}.png`), animations: 'disabled' });
}
