import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import {
  cancelled,
  connection,
  databaseId,
  explanation,
  job,
  jobs,
  letterLine,
  plan,
  readOnly,
  replay,
  replayPlan,
  tenant,
} from './testing/answers.ts';
import { hasBrowser, settled, violations } from './testing/open-page.ts';
import { openStubbed } from './testing/open-stubbed.ts';
import { tabTo } from './testing/tab-to.ts';

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name });
const path = (page: Page) => new URL(page.url()).pathname;

describe.skipIf(!hasBrowser())('acting', () => {
  test('by keyboard alone: a cause is planned, redriven, watched to its end, and gone from the list', async () => {
    const { page, server, complaints } = await openStubbed();
    await page.goto('/dead-letters');
    await settled(page);
    await tabTo(page, 'Redrive: poison, undecodable, sync-worker');
    await page.keyboard.press('Enter');
    await heading(page, 'Redrive dead letters').waitFor();
    await page.getByText('120 letters of 2 tenants').waitFor();
    await page.getByText('3 letters: they came back from five redrives').waitFor();
    await page.getByText('About 240 calls to Notion').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(server.orders).toEqual([
      { request: 'POST /plans', body: { action: 'redrive', filter: { class: 'poison', code: 'undecodable', service: 'sync-worker' } } },
    ]);

    // Without a reason and the number nothing runs.
    await tabTo(page, 'Redrive 120 letters');
    await page.keyboard.press('Enter');
    expect(await page.locator(':focus').evaluate((element) => (element as HTMLInputElement).labels?.[0]?.textContent)).toContain('Reason');
    await page.keyboard.type('ticket 4711');
    await page
      .getByText("mirror dead-letters redrive --class poison --code undecodable --service sync-worker --reason 'ticket 4711'")
      .waitFor();
    await tabTo(page, 'Type the number of letters');
    await page.keyboard.type('12');
    await page.keyboard.press('Enter');
    await page.keyboard.type('0');
    expect(server.orders).toHaveLength(1);
    await page.keyboard.press('Enter');
    await heading(page, 'Job: Redrive dead letters').waitFor();
    expect(server.orders.at(-1)).toEqual({
      request: 'POST /plans/plan-1/run',
      body: { reason: 'ticket 4711', canary: true, perSecond: 50, count: 120 },
    });
    expect(path(page)).toBe(`/jobs/${job.id}`);

    await page.getByText('40 of 120 letters done, 80 left, none came back.').waitFor();
    server.setJob(jobs['watching what comes back']);
    await page.getByRole('status').filter({ hasText: 'It waits to see whether letters come back.' }).waitFor();
    server.answers.deadLetters = { letters: 0, tenants: 0, causes: [] };
    server.setJob(jobs.done);
    await page.getByRole('status').filter({ hasText: 'It is done.' }).waitFor();
    expect(await page.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('100');
    await page.clock.setFixedTime('2026-11-30T12:01:00Z');
    await tabTo(page, 'Dead letters');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing waits for you').waitFor();
    expect(complaints).toEqual([]);
  });

  test('chosen letters are planned, and no others', async () => {
    const some = { letters: [17, 18, 19].map((offset) => ({ ...letterLine, ref: `3:${offset}` })), next: null };
    const { page, server } = await openStubbed({
      answers: { letters: some, plan: { ...plan, action: 'drop', letters: 2, confirmCount: false } },
    });
    await page.goto('/dead-letters?class=poison');
    await settled(page);
    const drop = page.getByRole('button', { name: 'Drop: the chosen letters' });
    expect(await drop.isDisabled()).toBe(true);
    await page.getByRole('checkbox', { name: 'Choose all that are shown' }).check();
    await page.getByRole('checkbox', { name: 'Choose 3:18' }).uncheck();
    await page.getByText('2 letters chosen').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('link', { name: 'Drop: the chosen letters' }).click();
    await heading(page, 'Drop dead letters').waitFor();
    await page.getByText('mirror dead-letters drop 3:17 3:19 --dry-run').waitFor();
    await page.getByLabel('Reason').fill('unfixable');
    await page.getByRole('button', { name: 'Drop 2 letters' }).click();
    await heading(page, /^Job/).waitFor();
    expect(server.orders).toEqual([
      { request: 'POST /plans', body: { action: 'drop', refs: ['3:17', '3:19'] } },
      { request: 'POST /plans/plan-1/run', body: { reason: 'unfixable', canary: false, perSecond: 50 } },
    ]);
  });

  test('a plan of many tenants names those with the most letters', async () => {
    const { page } = await openStubbed({ answers: { plan: { ...plan, tenants: 14, moreTenants: 12 } } });
    await page.goto('/dead-letters/plan?action=redrive&class=poison');
    await page.getByText('and 12 more tenants').waitFor();
    expect(await page.getByRole('region', { name: 'Letters of the plan, by tenant' }).getByRole('row').nth(1).innerText()).toMatch(
      /acme\s+100/,
    );
  });

  test('all that fit a filter are planned, with times made absolute; force makes another plan', async () => {
    const { page, server } = await openStubbed();
    await page.goto('/dead-letters');
    await settled(page);
    await page.getByLabel('Failed since').fill('2h');
    await page.waitForURL(/since=/);
    await page.getByRole('link', { name: 'Redrive: all that fit the filter' }).click();
    await page.getByText('120 letters of 2 tenants').waitFor();
    await page.getByRole('checkbox', { name: 'Also letters that came back' }).check();
    const filter = { since: '2026-11-30T10:00:00.000Z' };
    await expect
      .poll(() => server.orders.map(({ body }) => body))
      .toEqual([
        { action: 'redrive', filter },
        { action: 'redrive', filter, force: true },
      ]);
  });

  test('a plan that is no longer kept says so, and is made again', async () => {
    const { page, server } = await openStubbed({ answers: { plan: { ...plan, confirmCount: false } }, expected: [/status of 404/] });
    await page.goto('/dead-letters/plan?action=redrive&class=poison');
    await page.getByLabel('Reason').fill('again');
    server.refuse(/^\/plans\/plan-1\/run$/, 404, 'unknown_plan', 'The plan is not known.');
    await page.getByRole('button', { name: 'Redrive 120 letters' }).click();
    await page.getByRole('alert').getByText('The plan is not known.').waitFor();
    server.answers.plan = { ...plan, id: 'plan-9', letters: 121, confirmCount: false };
    await page.getByRole('alert').getByRole('button', { name: 'Plan again' }).click();
    await page.getByRole('button', { name: 'Redrive 121 letters' }).waitFor();
    expect(server.orders.map(({ request }) => request)).toEqual(['POST /plans', 'POST /plans/plan-1/run', 'POST /plans']);
  });

  test('a job is stopped and continued, and followed again after its console was killed', async () => {
    const { page, server } = await openStubbed({ expected: [/status of 503/] });
    await page.goto(`/jobs/${job.id}`);
    await page.getByText('It runs.').waitFor();
    const follows = () => server.requests.filter((request) => request.endsWith('/stream')).length;
    server.breakStreams();
    await page.getByText('The console stopped answering.').waitFor();
    await expect.poll(follows).toBe(2);
    await page.getByText('The console stopped answering.').waitFor({ state: 'detached' });
    await tabTo(page, 'Stop');
    server.answers.job = jobs['stopped by an operator'];
    await page.keyboard.press('Enter');
    await page.getByText('An operator stopped it.').waitFor();
    expect(await page.getByRole('button', { name: 'Stop' }).isDisabled()).toBe(true);
    await tabTo(page, 'Continue');
    server.answers.job = job;
    await page.keyboard.press('Enter');
    await page.getByText('It runs.').waitFor();
    await expect.poll(follows).toBeGreaterThanOrEqual(4);
    server.setJob(jobs.done);
    await page.getByText('It is done.').waitFor();
    expect(server.orders.map(({ request }) => request)).toEqual([`POST /jobs/${job.id}/stop`, `POST /jobs/${job.id}/continue`]);
  });

  test.each(Object.entries(jobs))('a job that is %s can be read, in the dark and on 400 px', async (_, shown) => {
    const context = { colorScheme: 'dark', viewport: { width: 400, height: 800 } } as const;
    const { page, complaints } = await openStubbed({ answers: { job: shown }, context });
    await page.goto(`/jobs/${job.id}`);
    await settled(page);
    expect(await page.getByRole('button', { name: 'Stop' }).isEnabled()).toBe(shown.canStop);
    expect(await page.getByRole('button', { name: 'Continue' }).isEnabled()).toBe(shown.canContinue);
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    expect(complaints).toEqual([]);
  });

  const reason = 'ticket 4711';
  const dialogs = {
    'a tenant is compared': {
      path: '/sweeps',
      button: 'Compare now: acme',
      submit: 'Compare now',
      command: "mirror reconcile run acme --reason 'ticket 4711'",
      order: { request: 'POST /tenants/acme/compare', body: { reason } },
      said: 'Requested: a sync-worker begins it.',
    },
    'removals are accepted': {
      path: '/t/acme?tab=sweeps',
      button: 'Accept removals: acme',
      typed: ['Type the number of databases that go', '29'],
      submit: 'Accept removals',
      command: "mirror reconcile run acme --accept-removals --reason 'ticket 4711'",
      order: { request: 'POST /tenants/acme/compare', body: { reason, acceptRemovals: true, count: 29 } },
      said: 'Requested: a sync-worker removes what Notion no longer shows.',
    },
    'a connection is paused': {
      path: '/t/acme?tab=connections',
      button: 'Pause: c-1',
      submit: 'Pause',
      command: "mirror connections pause c-1 --reason 'ticket 4711'",
      order: { request: 'POST /connections/c-1/pause', body: { reason } },
      said: 'It is paused.',
    },
    'a connection gets its tenant': {
      path: '/tenants',
      button: 'Give it a tenant: c-1',
      typed: ['Tenant', 'initech'],
      submit: 'Give it a tenant',
      command: "mirror connections add c-1 --provider-config-key notion --workspace-id <tenant> --reason 'ticket 4711'",
      order: { request: 'POST /notices/c-1/admit', body: { reason, tenant: 'initech', providerConfigKey: 'notion' } },
      said: 'It is of initech now.',
    },
    'a replay is cancelled': {
      path: `/replays/${replay.replay.id}`,
      answers: { replay: { ...replay, replay: { ...replay.replay, status: 'running' } } },
      button: 'Cancel the replay',
      submit: 'Cancel the replay',
      command: "mirror replay cancel --reason 'ticket 4711'",
      order: { request: `POST /replays/${cancelled.replay.id}/cancel`, body: { reason } },
      said: 'It is cancelled.',
    },
  } as const;

  test.each(Object.entries(dialogs))('by keyboard: %s', async (_, { path: address, button, submit, command, order, said, ...rest }) => {
    const { page, server, complaints } = await openStubbed({
      answers: 'answers' in rest ? rest.answers : {},
      context: { colorScheme: 'dark', viewport: { width: 400, height: 800 } },
    });
    await page.goto(address);
    await settled(page);
    await tabTo(page, button);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    const first = dialog.getByLabel(address === '/tenants' ? 'Tenant' : 'Reason');
    await expect.poll(async () => first.evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await dialog.getByLabel('Reason').focus();
    await page.keyboard.type(reason);
    if ('typed' in rest) {
      const [label, value] = rest.typed;
      await page.keyboard.press('Enter');
      await dialog.getByLabel(label).focus();
      await page.keyboard.type(value);
    }
    await dialog.getByText(command, { exact: true }).waitFor();
    expect(server.orders).toEqual([]);
    await dialog.getByRole('button', { name: submit }).focus();
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    expect(server.orders).toEqual([order]);
    // Shown, and said to a screen reader.
    await expect.poll(async () => page.getByRole('main').getByText(said).count()).toBe(2);
    expect(complaints).toEqual([]);
  });

  test('a paused connection shows the server’s state afterwards, and can be resumed', async () => {
    const { page, server } = await openStubbed();
    await page.goto('/t/acme?tab=connections');
    await settled(page);
    await page.getByRole('button', { name: 'Pause: c-1' }).click();
    await page.getByLabel('Reason').fill(reason);
    server.answers.tenant = { ...tenant, connections: [{ ...connection, status: 'paused', statusReason: reason }] };
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume: c-1' }).waitFor();
    await page.getByRole('row').filter({ hasText: 'paused ticket 4711' }).waitFor();
    expect(await page.getByRole('button', { name: 'Pause: c-1' }).count()).toBe(0);
  });

  test('a refused action says why in its dialog, which stays', async () => {
    const { page, server } = await openStubbed({ expected: [/status of 409/] });
    await page.goto('/sweeps');
    await settled(page);
    server.refuse(/compare$/, 409, 'not_possible', 'The tenant is being compared now.');
    await page.getByRole('button', { name: 'Compare now: acme' }).click();
    await page.getByLabel('Reason').fill(reason);
    await page.getByRole('dialog').getByRole('button', { name: 'Compare now' }).click();
    await page.getByRole('dialog').getByRole('alert').getByText('The tenant is being compared now.').waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.getByLabel('Reason').inputValue()).toBe(reason);
    // Also when nothing in the dialog has the focus, the key closes it, and the focus returns.
    await page.evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await expect.poll(async () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Compare now: acme');
  });

  test('what differs from Notion is fetched from there', async () => {
    const { page, server } = await openStubbed();
    await page.goto(`/t/acme/d/${databaseId}`);
    await settled(page);
    await page.getByRole('button', { name: 'Equal to Notion?' }).click();
    await page.getByRole('button', { name: 'Fetch it' }).click();
    await page.getByLabel('Reason').fill(reason);
    await page.getByRole('dialog').getByRole('button', { name: 'Fetch it' }).click();
    await page.getByText('1 event appended').first().waitFor();
    expect(server.orders.at(-1)).toEqual({ request: `POST /tenants/acme/databases/${databaseId}/fetch`, body: { reason } });
  });

  test('an explanation leads to where its remedies can be carried out', async () => {
    const cause = { workspaceId: 'acme', remedy: null };
    const causes = [
      { ...cause, code: 'connection_paused', text: 'The connection c-1 is paused since 2026-11-30T11:00:00Z.' },
      { ...cause, code: 'dead_letter', text: 'An event about it has been dead letter 3:17 since 2026-11-30T11:00:00Z.' },
      { ...cause, code: 'held', text: 'Its events wait.' },
    ];
    const { page } = await openStubbed({ answers: { explanation: { ...explanation, causes } } });
    await page.goto(`/explain/${databaseId}`);
    await settled(page);
    const links = page.getByRole('alert').getByRole('link');
    expect(await links.evaluateAll((all) => all.map((one) => one.getAttribute('href')))).toEqual([
      '/t/acme?tab=connections',
      '/dead-letters/3/17',
    ]);
    expect(await violations(page)).toEqual([]);
  });

  test('a page of a database follows its record, and says that a verdict is older than that', async () => {
    const { page, server } = await openStubbed();
    await page.goto(`/t/acme/d/${databaseId}`);
    await settled(page);
    await page.getByRole('button', { name: 'Equal to Notion?' }).click();
    await page.getByText('The mirror differs from Notion.').waitFor();
    expect(await page.getByText('ask again').count()).toBe(0);
    const { database: line } = server.answers.database;
    server.answers.database = { ...server.answers.database, database: { ...line, rev: line.rev + 1, title: 'As Notion has it' } };
    await page.getByRole('heading', { level: 1, name: 'As Notion has it' }).waitFor();
    await page.getByText('The mirror has written the database since: ask again.').waitFor();
    expect(await violations(page)).toEqual([]);
  });

  test('a replay is planned by its form, and run', async () => {
    const { page, server } = await openStubbed();
    await page.goto('/replays');
    await settled(page);
    await page.getByRole('link', { name: 'Plan a replay' }).click();
    await page.getByLabel('What').selectOption('events');
    await page.getByLabel('Tenant').fill('acme');
    await page.getByLabel('Since').fill('2h');
    await page.getByRole('button', { name: 'Plan', exact: true }).click();
    await page.getByText('At most 12,400 records of 8 partitions').waitFor();
    await page.getByText('mirror replay plan --since 2026-11-30T10:00:00.000Z --workspace-id acme').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Reason').fill(reason);
    await page.getByRole('button', { name: 'Run the replay' }).click();
    await heading(page, /^Job/).waitFor();
    expect(server.orders).toEqual([
      {
        request: 'POST /replays/plan',
        body: { source: 'events', into: 'mirror', tenant: 'acme', since: '2026-11-30T10:00:00.000Z' },
      },
      { request: `POST /plans/${replayPlan.id}/run`, body: { reason } },
    ]);
  });

  test('the switch needs a fresh comparison, and the word', async () => {
    const { page, server, complaints } = await openStubbed({ answers: { job: { ...job, action: 'replay.switch', canStop: false } } });
    await page.goto(`/replays/${replay.replay.id}`);
    await settled(page);
    const open = page.getByRole('button', { name: 'Switch…' });
    expect(await open.isDisabled()).toBe(true);
    await page.getByText('Compare first.').waitFor();
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByRole('status').getByText('2 records differ.').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.clock.setFixedTime('2026-11-30T12:30:00Z');
    await page.getByText('The comparison is too old').waitFor();
    expect(await open.isDisabled()).toBe(true);
    await page.clock.setFixedTime('2026-11-30T12:00:30Z');
    await expect.poll(async () => open.isEnabled()).toBe(true);
    await open.click();
    await page.getByLabel('Reason').fill(reason);
    await page.getByLabel('Type switch').fill('yes');
    await page.getByRole('dialog').getByRole('button', { name: 'Switch' }).click();
    expect(server.orders).toEqual([]);
    await page.getByLabel('Type switch').fill('switch');
    await page.getByRole('dialog').getByRole('button', { name: 'Switch' }).click();
    await heading(page, 'Job: Switch to the shadow').waitFor();
    expect(server.orders).toEqual([{ request: `POST /replays/${replay.replay.id}/switch`, body: { reason, confirm: 'switch' } }]);
    expect(complaints).toEqual([]);
  });

  test('a viewer’s plan asks nothing of the server, and names the command', async () => {
    const { page, server } = await openStubbed({ answers: { me: readOnly } });
    await page.goto('/dead-letters/plan?action=redrive&class=poison');
    await page.getByText('this needs the role operator').waitFor();
    await page.getByText('mirror dead-letters redrive --class poison', { exact: true }).waitFor();
    await page.goto('/replays/plan?source=states');
    await page.getByText('this needs the role operator').waitFor();
    expect(server.orders).toEqual([]);
  });

  test('no single key acts: not on what acts, nor with the focus on it', async () => {
    const { page, server } = await openStubbed();
    for (const address of ['/dead-letters?class=poison', '/sweeps', '/t/acme?tab=connections', `/jobs/${job.id}`]) {
      await page.goto(address);
      await settled(page);
      await page.locator('main [data-acts]').first().focus();
      for (const key of 'abcdefhiklmnpqrstuvwxyz0123456789') await page.keyboard.press(key);
      for (const key of ['Delete', 'Backspace', 'Escape']) await page.keyboard.press(key);
      expect(await page.getByRole('dialog').count()).toBe(0);
    }
    expect(server.orders).toEqual([]);
  });

  test('a job is reached from the audit trail', async () => {
    const { page } = await openStubbed();
    await page.goto('/audit');
    await settled(page);
    await page.getByRole('row').filter({ hasText: 'replay run' }).getByRole('link').first().click();
    await heading(page, /^Job/).waitFor();
    expect(path(page)).toBe('/jobs/665f00000000000000000002');
  });
});
