import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jobs, readOnly } from './testing/answers.ts';
import { hasBrowser, settled } from './testing/open-page.ts';
import { openStubbed } from './testing/open-stubbed.ts';
import { pages } from './testing/pages.ts';

// What a screen reader finds, as a tree, against a file for each page. After a change that is meant: `npm test -- --project page services/console/page/tree -u`.

const folder = join(import.meta.dirname, 'testing', 'trees');
const fileOf = (name: string) => join(folder, `${name.replaceAll(/\W+/g, '-')}.txt`);

describe.skipIf(!hasBrowser())('the tree of', () => {
  test.each(Object.entries(pages).filter(([name]) => name !== 'job'))('%s', async (name, path) => {
    const { page } = await openStubbed({ context: { timezoneId: 'UTC' } });
    await page.goto(path);
    await settled(page);
    await expect(await page.getByRole('main').ariaSnapshot()).toMatchFileSnapshot(fileOf(name));
  });

  test.each(Object.entries(jobs))('a job that is %s', async (name, job) => {
    const { page } = await openStubbed({ answers: { job }, context: { timezoneId: 'UTC' } });
    await page.goto(`/jobs/${job.id}`);
    await settled(page);
    await expect(await page.getByRole('main').ariaSnapshot()).toMatchFileSnapshot(fileOf(`job ${name}`));
  });

  test('dead letters, for a viewer', async () => {
    const { page } = await openStubbed({ answers: { me: readOnly }, context: { timezoneId: 'UTC' } });
    await page.goto(pages['dead letters']);
    await settled(page);
    await expect(await page.getByRole('main').ariaSnapshot()).toMatchFileSnapshot(fileOf('viewer dead letters'));
  });

  test('the dialog that accepts removals', async () => {
    const { page } = await openStubbed({ context: { timezoneId: 'UTC' } });
    await page.goto(pages.sweeps);
    await page.getByRole('button', { name: 'Accept removals: acme' }).click();
    await expect(await page.getByRole('dialog').ariaSnapshot()).toMatchFileSnapshot(fileOf('dialog accept removals'));
  });
});
