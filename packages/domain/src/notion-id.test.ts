import { assert, property, uuid } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalNotionId, notionIdFromText, openNotionIdFromText } from './notion-id.ts';

const dashed = '248104cd-477e-80fd-b757-e945d38000bd';
const dashless = '248104cd477e80fdb757e945d38000bd';

describe('canonicalNotionId', () => {
  test.each([dashed, dashless, dashed.toUpperCase(), dashless.toUpperCase()])('%s', (id) => {
    expect(canonicalNotionId(id)).toBe(dashed);
  });

  test.each([
    '',
    ' ',
    dashless.slice(1),
    `${dashless}0`,
    `${dashed}\n`,
    dashless.replace('2', 'g'),
    '248104cd-477e80fd-b757-e945-d38000bd',
    '{}',
  ])('not an id: %j', (text) => {
    expect(canonicalNotionId(text)).toBeNull();
  });

  test('both forms of any id have the same canonical form', () => {
    assert(
      property(uuid(), (id) => {
        expect(canonicalNotionId(id.replaceAll('-', ''))).toBe(id);
        expect(canonicalNotionId(id)).toBe(id);
      }),
    );
  });
});

describe('notionIdFromText', () => {
  test.each([
    ` ${dashless}\n`,
    dashed,
    `https://www.notion.so/${dashless}`,
    `https://www.notion.so/acme/Tasks-${dashless}?v=11111111111111111111111111111111&p=22222222222222222222222222222222`,
    `https://www.notion.so/acme/Tasks-${dashless}/`,
    `https://www.notion.so/acme/${dashed}#block`,
    `https://acme.notion.site/A-title-with-dead-beef-${dashless.toUpperCase()}`,
    `https://app.notion.com/p/${dashless}`,
    `www.notion.so/acme/Tasks-${dashless}?pvs=4`,
    `notion.so/${dashless}`,
    `notion://www.notion.so/acme/Tasks-${dashless}`,
  ])('%s', (text) => {
    expect(notionIdFromText(text)).toBe(dashed);
  });

  test.each([
    '',
    'Tasks',
    'https://www.notion.so',
    'https://www.notion.so/acme/Tasks',
    `https://www.notion.so/acme/Tasks?v=${dashless}`,
    `see ${dashless}`,
  ])('no id in %j', (text) => {
    expect(notionIdFromText(text)).toBeNull();
  });
});

describe('openNotionIdFromText', () => {
  const other = '22222222222222222222222222222222';

  test.each([
    `https://www.notion.so/acme/Tasks-${other}?v=11111111111111111111111111111111&p=${dashless}&pm=s`,
    `https://www.notion.so/${other}?p=${dashed}`,
    `https://www.notion.so/acme/Buy-kale-${dashless}?pvs=4`,
    `https://www.notion.so/acme/Buy-kale-${dashless}?p=nothing`,
    `https://acme.notion.site/Buy-kale-${dashless}#${other}`,
    `https://app.notion.com/p/${dashless}`,
    dashless,
  ])('%s', (text) => {
    expect(openNotionIdFromText(text)).toBe(dashed);
  });

  test('no id', () => {
    expect(openNotionIdFromText('https://www.notion.so/acme/Tasks')).toBeNull();
  });
});
