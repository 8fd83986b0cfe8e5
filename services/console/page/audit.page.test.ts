import { describe, expect, test } from 'vitest';
import { hasBrowser, settled } from './testing/open-page.ts';
import { openStubbed } from './testing/open-stubbed.ts';

describe.skipIf(!hasBrowser())('the audit trail', () => {
  test('it is filtered by its form, whose state is in the address, and the command that shows the same follows', async () => {
    const { page, server, complaints } = await openStubbed();
    await page.goto('/audit');
    await settled(page);
    await page.getByLabel('What', { exact: true }).selectOption('replay.run');
    await page.waitForURL(/\/audit\?action=replay\.run$/);
    await page.getByLabel('Who', { exact: true }).fill('ann@example.com');
    await page.waitForURL(/who=ann/);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT');
    await page.getByText('mirror audit list --who ann@example.com --action replay.run').waitFor();
    await settled(page);
    expect(server.requests.at(-1)).toBe('GET /audit?action=replay.run&who=ann%40example.com');
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.waitForURL(/\/audit$/);
    expect(await page.getByLabel('Who', { exact: true }).inputValue()).toBe('');
    expect(complaints).toEqual([]);
  });
});
