import { isDeepStrictEqual } from 'node:util';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { arbitraryRow } from '@notion-mirror/domain/testing/arbitrary-row';
import { rowStateContract, schemasFolder } from '@notion-mirror/schemas/contract';
import { loadGoldenValues } from '@notion-mirror/schemas/golden-values';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rowFromAvro, rowToAvro, type AvroRowContent } from './row-content.ts';

const { type } = rowStateContract().latest;

/** The fields around the content. */
const envelope = { workspaceId: 'acme', pageId: 'p1', rev: 1, asOf: 1, syncedAt: 2, seenBy: 'query', connectionId: null, lastEvent: null };

function throughAvro(content: RowContent): RowContent {
  return rowFromAvro(type.fromBuffer(type.toBuffer({ ...rowToAvro(content), ...envelope })) as AvroRowContent);
}

describe('the content of a row on the state log', () => {
  it('reads back as it was, whatever is in it', () => {
    fc.assert(
      fc.property(arbitraryRow, (content) => {
        // Vitest takes a field named `constructor` for the class of its object.
        expect(isDeepStrictEqual(throughAvro(content), content)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('is listed unless it says otherwise', () => {
    const [, scanned] = loadGoldenValues('row-state', schemasFolder);
    const { isListed: said, ...silent } = scanned!.value;
    expect([said, type.fromBuffer(type.toBuffer(silent))]).toEqual([false, expect.objectContaining({ isListed: true })]);
  });

  it('is what a reader without this code understands', () => {
    const [live] = loadGoldenValues('row-state', schemasFolder).filter(({ file }) => file.endsWith('/v1-live'));
    const content = rowFromAvro(live!.value as unknown as AvroRowContent);
    expect(content).toMatchObject({
      dataSourceId: '263104cd-477e-804b-8c32-000b2fcd241a',
      title: 'Tuscan kale ✅',
      icon: { type: 'emoji', emoji: '🥬' },
      createdTime: new Date('2025-08-07T17:11:00.000Z'),
      related: ['0f3b2c1d-5a6e-4b7c-8d9e-0a1b2c3d4e5f'],
      raw: { object: 'page' },
    });
    expect(content.properties).toStrictEqual([
      { id: 'title', name: 'Name', type: 'title', value: 'Tuscan kale ✅' },
      { id: 'fk%5EY', name: 'a.b $c', type: 'select', value: 'High', optionId: 'tC;=' },
      { id: 'st', name: 'Stage', type: 'status', value: null, optionId: null },
      { id: 'tags', name: 'Tags', type: 'multi_select', value: ['A', 'B'], optionIds: ['a', 'b'] },
      {
        id: 'due',
        name: 'Due',
        type: 'date',
        value: { start: '2026-01-31', end: null, timeZone: null },
        startAt: new Date('2026-01-31T00:00:00.000Z'),
        endAt: null,
      },
      { id: 'uid', name: 'ID', type: 'unique_id', value: 'PRJ-12', number: 12 },
      { id: 'rel', name: 'Blocks', type: 'relation', value: ['0f3b2c1d-5a6e-4b7c-8d9e-0a1b2c3d4e5f'], complete: false },
      { id: 'made', name: 'Created', type: 'created_time', value: new Date('2025-08-07T17:11:00.000Z') },
      { id: 'sum', name: 'Sum', type: 'rollup', value: 42, resultType: 'number', computed: true },
    ]);
    expect({ ...live!.value, ...rowToAvro(content) }).toEqual(live!.value);
  });

  it('is refused when a text in it is no JSON', () => {
    const [scanned] = loadGoldenValues('row-state', schemasFolder).filter(({ file }) => file.endsWith('/v1-scanned'));
    expect(() => rowFromAvro({ ...(scanned!.value as unknown as AvroRowContent), raw: '{' })).toThrow(SyntaxError);
  });
});
