import { describe, expect, test } from 'vitest';
import { me, readOnly } from './testing/answers.ts';
import { hasBrowser, settled, violations } from './testing/open-page.ts';
import { openStubbed } from './testing/open-stubbed.ts';

describe.skipIf(!hasBrowser())('who asks', () => {
  test('who has no session signs in, and is where the link led', async () => {
    const { page, server, complaints } = await openStubbed({ expected: [/status of 401/] });
    server.isSignedOut = true;
    await page.goto('/sweeps');
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.getByLabel('Access token').evaluate((field) => field === document.activeElement)).toBe(true);
    await page.getByLabel('Access token').fill('a token');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Sweeps' }).waitFor();
    await page.getByText('ada').waitFor();
    expect(complaints).toEqual([]);
  });

  test('a session that ends shows the form', async () => {
    const { page, server } = await openStubbed({ expected: [/status of 401/] });
    await page.goto('/');
    await settled(page);
    server.isSignedOut = true;
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
  });

  test('one signs out', async () => {
    const { page, server } = await openStubbed({ expected: [/status of 401/] });
    await page.goto('/doctor');
    await settled(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sign in' }).waitFor();
    expect(server.requests).toContain('DELETE /session');
  });

  test('what a viewer may not do is disabled, with the reason', async () => {
    const { page, server } = await openStubbed({ answers: { me: readOnly } });
    await page.goto('/t/acme/d/248104cd-477e-80fd-b757-e945d38000bd');
    await settled(page);
    expect(await page.getByRole('button', { name: 'Equal to Notion?' }).isDisabled()).toBe(true);
    await page.getByText('A viewer cannot spend calls to Notion').waitFor();
    await page.getByRole('tab', { name: 'Raw' }).click();
    await page.getByText('hidden from you').waitFor();
    expect(server.requests.filter((request) => request.includes('/raw'))).toEqual([]);
  });

  test('what the servers do not let the console do is asked again, and then allowed', async () => {
    const why = 'Kafka does not answer.';
    const heldUp = { ...me, actions: { ...me.actions, redrive: { allowed: false, why } } } as const;
    const { page, server } = await openStubbed({ answers: { me: heldUp } });
    await page.goto('/dead-letters');
    await page.getByText(why).waitFor();
    expect(await page.getByRole('button', { name: 'Redrive: poison' }).isDisabled()).toBe(true);
    expect(await page.getByRole('link', { name: 'Drop: poison' }).count()).toBe(1);
    server.answers.me = me;
    await page.getByRole('link', { name: 'Redrive: poison' }).waitFor();
    await page.getByText(why).waitFor({ state: 'detached' });
  });

  test('a page stays when only that question fails', async () => {
    const heldUp = { ...me, actions: { ...me.actions, redrive: { allowed: false, why: 'not yet' } } } as const;
    const { page, server } = await openStubbed({ answers: { me: heldUp }, expected: [/status of 503/] });
    await page.goto('/dead-letters');
    await settled(page);
    server.refuse(/^\/me$/, 503, 'mongodb_unavailable', 'MongoDB does not answer.');
    const asked = () => server.requests.filter((request) => request === 'GET /me').length;
    const before = asked();
    await expect.poll(asked, { timeout: 20_000 }).toBeGreaterThan(before + 1);
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Dead letters');
  });

  test('a page that is older than the server says so, and acts no more', async () => {
    const { page, server } = await openStubbed();
    await page.goto('/t/acme/d/248104cd-477e-80fd-b757-e945d38000bd');
    await settled(page);
    expect(await page.getByRole('button', { name: 'Equal to Notion?' }).isEnabled()).toBe(true);
    server.version = '0.2.0';
    server.answers.me = { ...me, version: '0.2.0' };
    await page.getByRole('tab', { name: 'Raw' }).click();
    await page.getByText('The console was updated.').waitFor();
    expect(await page.getByRole('button', { name: 'Equal to Notion?' }).isDisabled()).toBe(true);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Reload it' }).click();
    await page.getByText('The console was updated.').waitFor({ state: 'detached' });
  });

  test('a page that cannot be loaded says so in its place, and the others can be gone to', async () => {
    const { page } = await openStubbed({ expected: [/404|Failed to load/, /uncaught/] });
    await page.goto('/');
    await settled(page);
    await page.route('**/assets/audit-*', async (route) => route.fulfill({ status: 404, body: '' }));
    const pages = page.getByRole('navigation', { name: 'Pages' });
    await pages.getByRole('link', { name: 'Audit' }).click();
    await page.getByRole('main').getByText('A part of this page could not be loaded.').waitFor();
    expect(await violations(page)).toEqual([]);
    await pages.getByRole('link', { name: 'Sweeps' }).click();
    await page.getByRole('heading', { level: 1, name: 'Sweeps' }).waitFor();
    await page.goBack();
    await page.unroute('**/assets/audit-*');
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
  });

  test('an older answer stays in sight when the server fails', async () => {
    const { page, server } = await openStubbed({ expected: [/status of 503/] });
    await page.goto('/');
    await settled(page);
    server.isFailing = true;
    await page.getByText('MongoDB does not answer.').first().waitFor();
    expect(await page.getByText('MongoDB does not answer.').count()).toBe(1);
    expect(await page.getByText(/^\d\d:\d\d:\d\d .*2 things need you\./).count()).toBe(1);
    server.isFailing = false;
    await page.getByText('MongoDB does not answer.').first().waitFor({ state: 'detached' });
  });
});
