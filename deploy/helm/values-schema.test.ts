import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { variableEntries } from '@notion-mirror/service-kit/variables';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { chartOwned, valuesSchema } from './values-schema.ts';
import { describedValues, valuesTable } from './values-table.ts';

const valuesYaml = readFileSync(join(import.meta.dirname, 'notion-mirror/values.yaml'), 'utf8');
const isValid = new Ajv({ strict: false }).compile(valuesSchema() as object);
const takes = (config: object, more: object = {}): boolean =>
  isValid({
    ...(parse(valuesYaml) as object),
    config: { MIRROR_KAFKA_BROKERS: 'kafka:9092', MIRROR_SCHEMA_REGISTRY_URL: 'http://registry', ...config },
    ...more,
  });

describe('the schema of the values', () => {
  const settings = variableEntries.filter(([, { secret }]) => secret !== true);

  test.each(settings.filter(([, variable]) => variable.default !== undefined))(
    'takes the default of %s, unless the chart sets it',
    (name, variable) => {
      expect(takes({ [name]: variable.default })).toBe(!chartOwned.includes(name));
      expect(takes({ [name]: /^\d+$/.test(variable.default ?? '') ? Number(variable.default) : variable.default })).toBe(
        !chartOwned.includes(name),
      );
    },
  );

  test.each(variableEntries.filter(([, { secret }]) => secret === true))('takes %s as a secret, and not as a setting', (name) => {
    expect(takes({ [name]: 'text' })).toBe(false);
    expect(takes({}, { secrets: { [name]: { name: 'secret', key: 'key' } } })).toBe(true);
  });

  test.each<[string, object, boolean]>([
    ['an empty setting, which counts as missing', { MIRROR_KAFKA_PARTITIONS: '' }, true],
    ['a number as text', { MIRROR_NOTION_LAG_SECONDS: '0.5' }, true],
    ['text where a number belongs', { MIRROR_NOTION_LAG_SECONDS: 'a minute' }, false],
    ['a number where text belongs', { MIRROR_TOPIC_PREFIX: 1 }, false],
    ['true where true or false belongs', { MIRROR_KAFKA_SSL: true }, true],
    ['true where on or off belongs', { MIRROR_ROWS: true }, false],
    ['a value that is none of those listed', { MIRROR_LOG_LEVEL: 'loud' }, false],
  ])('knows %s', (_, config, isTaken) => {
    expect(takes(config)).toBe(isTaken);
  });
});

describe('the table of the values', () => {
  test('has every value, its default and its description', () => {
    const values = describedValues(valuesYaml);
    expect(values).toContainEqual({ path: 'image.pullPolicy', default: '`"IfNotPresent"`', description: 'When a node pulls it.' });
    expect(values.find(({ path }) => path === 'strimzi.clusterCaSecret')?.description).toMatch(/^Secret with/);
    expect(new Set(values.map(({ path }) => path)).size).toBe(values.length);
    expect(valuesTable(valuesYaml).split('\n')).toHaveLength(values.length + 2);
  });

  test('does not leave out a value without a description', () => {
    expect(() => describedValues('a:\n  # -- Says what it is.\n  b: 1\n  c: 2\n')).toThrow('values.yaml: a.c has no description');
  });
});
