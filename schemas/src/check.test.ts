import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkSchemas, releaseSchemas } from './check.ts';
import { databaseEventContract, loadContract, schemasFolder } from './contract.ts';
import { loadGoldenValues } from './golden-values.ts';
import { loadReleasedFiles } from './released-files.ts';

interface Field {
  name: string;
  type: unknown;
  default?: unknown;
  aliases?: string[];
}

const withSymbols =
  (name: string, symbols: string[], keepDefault = true) =>
  (fields: Field[]) =>
    fields.map((field) => {
      if (field.name !== name) return field;
      const { default: fallback, ...type } = field.type as { default?: string };
      return { ...field, type: { ...type, symbols, ...(keepDefault ? { default: fallback } : {}) } };
    });

const isOfFirst = (file: string) => !/(^|\/)v[2-9][^/]*$/.test(file);

const check = (...args: string[]) => spawnSync(process.execPath, [join(schemasFolder, 'src/check.ts'), ...args], { encoding: 'utf8' });

describe('the committed schemas', () => {
  it('pass the check', () => {
    expect(checkSchemas()).toEqual([]);
  });

  it('have the fields of the contract', () => {
    const { fields } = JSON.parse(databaseEventContract().latest.text) as { fields: Field[] };
    expect(fields.map(({ name }) => name)).toEqual([
      'eventId',
      'kind',
      'type',
      'workspaceId',
      'connectionId',
      'providerConfigKey',
      'notionWorkspaceId',
      'databaseId',
      'dataSourceId',
      'pageId',
      'occurredAt',
      'receivedAt',
      'origin',
    ]);
  });
});

describe('the check', () => {
  let folder: string;
  const at = (file: string) => join(folder, 'database-event', file);
  /** Writes v2 as v1 with other fields, and a golden value for it. */
  const writeSecondVersion = (change: (fields: Field[]) => Field[], golden: Record<string, unknown> = {}) => {
    const first = JSON.parse(readFileSync(at('v1.avsc'), 'utf8')) as { fields: Field[] };
    writeFileSync(at('v2.avsc'), JSON.stringify({ ...first, fields: change(first.fields) }));
    const value = JSON.parse(readFileSync(at('fixtures/v1-sync.json'), 'utf8')) as object;
    writeFileSync(at('fixtures/v2-sync.json'), JSON.stringify({ ...value, ...golden }));
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'schemas-'));
    // The first version alone, whatever came later.
    cpSync(join(schemasFolder, 'database-event'), join(folder, 'database-event'), { recursive: true, filter: isOfFirst });
    const all = Object.entries(loadReleasedFiles(schemasFolder));
    const released = all.filter(([file]) => file.startsWith('database-event/') && isOfFirst(file));
    writeFileSync(join(folder, 'released.json'), JSON.stringify(Object.fromEntries(released)));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('fails when a released version changed, even in a doc string', () => {
    writeFileSync(at('v1.avsc'), readFileSync(at('v1.avsc'), 'utf8').replace('look at it', 'look at that'));
    expect(checkSchemas(folder)).toEqual(['database-event/v1.avsc was released and must not change: make a new version of it']);
    expect(releaseSchemas(folder)).toHaveLength(1);
  });

  it.each(['v1.avsc', 'fixtures/v1-delete.avro', 'fixtures/v1-delete.json'])('fails when the released %s is missing', (file) => {
    rmSync(at(file));
    expect(checkSchemas(folder)).toContain(`database-event/${file} was released and is gone`);
  });

  it('fails when the list of released files is missing', () => {
    rmSync(join(folder, 'released.json'));
    expect(checkSchemas(folder)).toContain('database-event/v1.avsc is not released: run `node schemas/src/check.ts --release`');
  });

  it('fails on a gap in the version numbers', () => {
    cpSync(at('v1.avsc'), at('v3.avsc'));
    expect(checkSchemas(folder)).toContain('database-event: versions must be v1 to v3 without a gap');
  });

  it('fails on a version that is not Avro', () => {
    writeFileSync(at('v2.avsc'), '{"type":"record","name":"DatabaseEvent","fields":[{"name":"a","type":"text"}]}');
    expect(checkSchemas(folder).join()).toContain('database-event/v2.avsc is not a valid Avro schema');
  });

  it('fails on a new version until it is released with a golden value', () => {
    writeSecondVersion((fields) => [...fields, { name: 'reason', type: ['null', 'string'], default: null }], { reason: 'because' });
    expect(checkSchemas(folder)).toContain('database-event/v2.avsc is not released: run `node schemas/src/check.ts --release`');
    rmSync(at('fixtures/v2-sync.json'));
    expect(checkSchemas(folder)).toContain('database-event/v2.avsc has no golden value: write database-event/fixtures/v2-<what>.json');
  });

  it.each<[string, (fields: Field[]) => Field[], string]>([
    [
      'a field without a default is added',
      (fields) => [...fields, { name: 'reason', type: 'string' }],
      'v2.avsc cannot read what database-event/v1.avsc',
    ],
    ['a field without a default is removed', (fields) => fields.slice(1), 'v1.avsc cannot read what database-event/v2.avsc'],
    [
      'a field is renamed',
      (fields) => fields.map((field) => (field.name === 'type' ? { ...field, name: 'notionType' } : field)),
      'cannot read',
    ],
    [
      'a type is narrowed',
      (fields) => fields.map((field) => (field.name === 'occurredAt' ? { ...field, type: 'int' } : field)),
      'v2.avsc cannot read',
    ],
    [
      'a type is widened',
      (fields) => fields.map((field) => (field.name === 'type' ? { ...field, type: ['null', 'string'] } : field)),
      'v1.avsc cannot read',
    ],
    [
      'an enum becomes a string',
      (fields) => fields.map((field) => (field.name === 'kind' ? { ...field, type: 'string' } : field)),
      'cannot read',
    ],
    [
      'an enum loses a symbol and its default',
      withSymbols('origin', ['nango', 'notion'], false),
      'v2.avsc cannot read what database-event/v1.avsc',
    ],
  ])('fails when %s', (_, change, message) => {
    writeSecondVersion(change, { reason: 'x', notionType: 'x' });
    expect(checkSchemas(folder).join()).toContain(message);
    expect(releaseSchemas(folder).join()).toContain(message);
  });

  it('compares all versions with each other, not only neighbours', () => {
    writeSecondVersion((fields) => [...fields, { name: 'extra', type: 'string', default: '' }], { extra: '' });
    const second = JSON.parse(readFileSync(at('v2.avsc'), 'utf8')) as { fields: Field[] };
    const third = { ...second, fields: second.fields.map((field) => (field.name === 'extra' ? { name: 'extra', type: 'string' } : field)) };
    writeFileSync(at('v3.avsc'), JSON.stringify(third));
    const violations = checkSchemas(folder).filter((violation) => violation.includes('cannot read'));
    expect(violations).toHaveLength(1);
    expect(violations[0]).toContain('database-event/v3.avsc cannot read what database-event/v1.avsc writes');
  });

  it('allows an enum to grow: readers of the old version see its default', () => {
    const grown = ['nango', 'notion', 'recheck', 'reconcile', 'operator', 'backfill'];
    writeSecondVersion(withSymbols('origin', grown), { origin: 'backfill' });
    expect(releaseSchemas(folder)).toEqual([]);
    const { versions } = loadContract('database-event', folder);
    const golden = loadGoldenValues('database-event', folder).find(({ version }) => version === 2);
    const read = versions[0]!.type.fromBuffer(golden!.bytes!, versions[0]!.type.createResolver(versions[1]!.type)) as object;
    expect(read).toMatchObject({ origin: 'reconcile' });
  });

  it('fails when a later version reads a released value differently', () => {
    writeSecondVersion(withSymbols('kind', ['sync'], true));
    expect(releaseSchemas(folder)).toEqual(['database-event/v2.avsc does not read database-event/fixtures/v1-delete.avro: kind differ']);
  });

  it('is a command that exits nonzero with one line per violation', () => {
    expect(check()).toMatchObject({ status: 0, stderr: '' });
    rmSync(at('v1.avsc'));
    const broken = check(folder);
    expect(broken.status).toBe(1);
    expect(broken.stderr).toContain('schemas: database-event/v1.avsc was released and is gone');
  });
});
