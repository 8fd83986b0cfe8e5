import { describe, expect, test } from 'vitest';
import * as demo from './testing/answers.ts';
import { hasBrowser, settled } from './testing/open-page.ts';
import { openStubbed } from './testing/open-stubbed.ts';

describe.skipIf(!hasBrowser())('one change', () => {
  test('leads to the trace of the scan that it was left to', async () => {
    const { event } = demo;
    const scanTrace = { traceId: '1af7651916cd43dd8448eb211c80319c', isSampled: true, url: 'https://traces.example/scan' };
    const { page } = await openStubbed({ answers: { event: { ...event, event: { ...event.event, scanTrace } } } });
    await page.goto(`/events/${demo.eventId}`);
    await settled(page);
    const link = page.getByRole('link', { name: 'its trace' });
    expect(await link.getAttribute('href')).toBe(scanTrace.url);
    expect(await page.locator('main').innerText()).toContain(scanTrace.traceId);
  });
});
