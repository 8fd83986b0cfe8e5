import type { Page } from 'playwright-core';

/** Presses Tab until the focus is on what has this name, or one that begins so. Throws when Tab does not come there. */
export async function tabTo(page: Page, name: string): Promise<void> {
  const focused = async () =>
    page.locator(':focus').evaluateAll(([element]) => {
      if (element === undefined) return '';
      const { labels } = element as Partial<HTMLInputElement>;
      return element.getAttribute('aria-label') ?? labels?.[0]?.textContent ?? element.textContent ?? '';
    });
  for (let tabs = 0; tabs < 60; tabs += 1) {
    if ((await focused()).startsWith(name)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not come to ${name}`);
}
