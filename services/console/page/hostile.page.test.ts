import { describe, expect, test } from 'vitest';
import * as demo from './testing/answers.ts';
import { hasBrowser, settled, violations } from './testing/open-page.ts';
import type { StubAnswers } from './testing/stub-server.ts';
import { openStubbed } from './testing/open-stubbed.ts';

const texts = [
  '<img src=x onerror=alert(1)><script>alert(1)</script>',
  '{{constructor.constructor("alert(1)")()}}',
  '\u202Egnp.exe \u0000\u0007',
  `half \uD83D and ${'long '.repeat(2_000)}\uDE80`,
  '',
];

/** Every text of a customer is `text`, every address one that must not be followed. */
function hostile(text: string): Partial<StubAnswers> {
  const url = 'javascript:alert(document.domain)';
  const content = demo.database.content!;
  const cause = { ...demo.cause, message: text };
  const job = demo.jobs['stopped by its canary'];
  const event = demo.eventLine(1, { title: text, reason: text, type: text });
  return {
    events: { ...demo.events, events: [event] },
    event: { ...demo.event, event: { ...demo.event.event, title: text, reason: text }, words: [text] },
    databases: { databases: [{ ...demo.database.database, title: text }], next: null },
    database: {
      ...demo.database,
      database: { ...demo.database.database, title: text },
      parents: [{ kind: 'database', id: demo.sourceId, title: text, databaseId: null }],
      content: {
        ...content,
        description: text,
        url,
        icon: { type: 'external', external: { url: 'https://example.org/track.png' } },
        sources: content.sources.map((source) => ({
          ...source,
          name: text,
          properties:
            source.properties?.map((property) => ({
              ...property,
              name: text,
              description: text,
              options: [{ id: 'a', name: text, color: text }],
            })) ?? null,
        })),
      },
    },
    rows: {
      ...demo.rows,
      columns: demo.columns.map((column) => ({ ...column, name: text })),
      rows: [
        demo.rowLine(1, {
          title: text,
          url,
          cells: demo
            .rowLine(1)
            .cells.map((cell) =>
              cell === null ? null : { ...cell, text, value: Array.isArray(cell.value) ? [{ name: text, url }, text] : text },
            ),
        }),
      ],
    },
    plan: { ...demo.plan, causes: [cause], heldBack: [{ reason: text, letters: 1 }] },
    job: { ...job, who: text, reason: text, cameBack: { letters: 1, causes: [cause] }, failure: { ...job.failure, message: text } },
    raw: { raw: { [text]: text, many: text.repeat(300) }, document: { text } },
  };
}

const place = `/t/acme/d/${demo.databaseId}`;
const pages = [
  '/dead-letters/plan?class=poison',
  '/jobs/1',
  '/events',
  `/events/${demo.eventId}`,
  '/t/acme',
  place,
  `${place}?tab=rows`,
  `${place}?tab=raw`,
];

describe.skipIf(!hasBrowser())('hostile content', () => {
  test.each(texts.map((text) => [JSON.stringify(text.slice(0, 24)), text] as const))('a customer’s text is text: %s', async (_, text) => {
    const { page, complaints } = await openStubbed({ answers: hostile(text) });
    const asked: string[] = [];
    page.on('dialog', (dialog) => void dialog.dismiss().then(() => asked.push('a dialog')));
    page.on('request', (request) => {
      if (!request.url().startsWith('http://127.0.0.1') && !request.url().startsWith('data:')) asked.push(request.url());
    });
    for (const path of pages) {
      await page.goto(path);
      await settled(page);
      expect(await page.locator('main img, main script, a[href^="javascript:"]').count()).toBe(0);
      expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    }
    expect(await violations(page)).toEqual([]);
    expect(asked).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('unexpected parameters change nothing', async () => {
    const { page, server, complaints } = await openStubbed();
    await page.goto(`/t/${encodeURIComponent('../../x?y#z')}?tab=%7B%22a%22%3A1%7D&q=%5B1%5D`);
    await settled(page);
    await expect.poll(() => server.requests).toContain('GET /tenants/..%2F..%2Fx%3Fy%23z');
    expect(complaints).toEqual([]);
  });
});
