import { variables } from '@notion-mirror/service-kit/variables';
import { expect, test } from 'vitest';
import { configurationDocs } from './configuration-docs.ts';

const rows = configurationDocs()
  .split('\n')
  .filter((line) => line.startsWith('| `MIRROR_'));

test('every variable has one row of five cells', () => {
  expect(rows).toHaveLength(Object.keys(variables).length);
  expect(new Set(rows.map((row) => row.split('`')[1]))).toEqual(new Set(Object.keys(variables)));
  for (const row of rows) expect(row.split(/(?<!\\)\|/)).toHaveLength(7);
});

test('a row shows the default, the secrecy and the users', () => {
  expect(rows).toContain('| `MIRROR_SCHEMA_REGISTRY_PASSWORD` | – | **Secret.** Password for the registry. | text | all |');
  expect(rows.find((row) => row.includes('MIRROR_KAFKA_PARTITIONS'))).toMatch(/`96`.*`mirror` \|$/);
  expect(rows.find((row) => row.includes('MIRROR_TOPIC_PREFIX'))).toContain('| (empty) |');
});
