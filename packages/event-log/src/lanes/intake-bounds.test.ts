import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shouldPause } from './intake-bounds.ts';
import { defaultLimits } from './lane-consumer.ts';
import { sizeOf } from '../log-record.ts';

const bound = { records: 1_000, bytes: 1_000_000 };
const load = (records: number, bytes = 0) => ({ records, bytes });

describe('the bound of the intake', () => {
  it('lets one partition alone fill four fifths', () => {
    expect(shouldPause(load(799), load(799), bound, false)).toBe(false);
    expect(shouldPause(load(800), load(800), bound, false)).toBe(true);
    expect(shouldPause(load(10, 800_000), load(10, 800_000), bound, false)).toBe(true);
  });

  // Each has an event for the database and one for its data source.
  it('has room for a tenant with 10,000 changed databases on one partition, by default', () => {
    const event = sizeOf({ key: Buffer.alloc(36), value: Buffer.alloc(300), headers: { ce_source: 'x'.repeat(300) } });
    const waiting = load(20_000, 20_000 * event);
    const byDefault = { records: defaultLimits.maxRecords, bytes: defaultLimits.maxBytes };
    expect(shouldPause(waiting, waiting, byDefault, false)).toBe(false);
  });

  it('resumes well below where it paused, so that it does not flap', () => {
    expect(shouldPause(load(780), load(780), bound, true)).toBe(true);
    expect(shouldPause(load(760), load(760), bound, true)).toBe(false);
  });

  it('always leaves room for a partition that holds little, however many are full', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 40 }), (partitions, step) => {
        const held = Array.from({ length: partitions }, () => 0);
        const total = () => held.reduce((sum, records) => sum + records, 0);
        for (let grew = true; grew;) {
          grew = false;
          for (const [index, records] of held.entries()) {
            if (shouldPause(load(records), load(total()), bound, false)) continue;
            held[index] = records + step;
            grew = true;
          }
        }
        // All are full, and exceed the bound by no more than one fetch.
        expect(total()).toBeLessThan(bound.records + step);
        expect(total() >= bound.records || !shouldPause(load(0), load(total()), bound, false)).toBe(true);
      }),
    );
  });

  it('pauses every partition over the bound', () => {
    expect(shouldPause(load(0), load(1_000), bound, false)).toBe(true);
    expect(shouldPause(load(0), load(1_200), bound, true)).toBe(true);
  });
});
