import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOffsetTracker, type PendingOffset } from './offset-tracker.ts';

describe('the offset tracker', () => {
  it('never lets a commit pass an unfinished record, whatever the order', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('receive' as const), gap: fc.nat(3) }),
      fc.record({ kind: fc.constant('complete' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('begin commit' as const) }),
      fc.record({ kind: fc.constant('end commit' as const) }),
      fc.record({ kind: fc.constant('advance' as const), gap: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 60n), fc.array(step, { maxLength: 200 }), (start, steps) => {
        const tracker = createOffsetTracker(start);
        const open: PendingOffset[] = [];
        let next = start;
        let committing: bigint | null = null;
        let highest = start;
        for (const action of steps) {
          if (action.kind === 'receive') {
            next += BigInt(action.gap);
            open.push(tracker.receive(next, 0));
            next += 1n;
          } else if (action.kind === 'complete') {
            const [done] = open.splice(action.which % Math.max(1, open.length), 1);
            if (done !== undefined) tracker.complete(done);
          } else if (action.kind === 'advance') {
            next += BigInt(action.gap);
            tracker.advanceTo(next);
          } else if (action.kind === 'begin commit') {
            committing ??= tracker.committable;
          } else if (committing !== null) {
            tracker.markCommitted(committing);
            committing = null;
          }
          const lowestOpen = open.reduce<bigint | null>((low, { offset }) => (low === null || offset < low ? offset : low), null);
          expect(tracker.committable).toBe(lowestOpen ?? next);
          expect(tracker.committed <= tracker.committable).toBe(true);
          expect(tracker.committable >= highest).toBe(true);
          expect(tracker.oldest?.offset ?? null).toBe(lowestOpen);
          highest = tracker.committable;
        }
        for (const done of open) tracker.complete(done);
        expect(tracker.committable).toBe(next);
        expect(tracker.outstanding).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });

  it('counts received offsets only: gaps hold nothing back', () => {
    const tracker = createOffsetTracker(10n);
    const first = tracker.receive(12n, 0);
    const second = tracker.receive(17n, 0);
    expect(tracker.committable).toBe(12n);
    tracker.complete(second);
    expect(tracker.committable).toBe(12n);
    tracker.complete(first);
    expect(tracker.committable).toBe(18n);
    tracker.advanceTo(20n);
    expect(tracker.committable).toBe(20n);
  });

  it('still has offsets to commit when records completed during a commit', () => {
    const tracker = createOffsetTracker(0n);
    const [first, second] = [tracker.receive(0n, 0), tracker.receive(1n, 0)];
    tracker.complete(first);
    const underWay = tracker.committable;
    tracker.complete(second);
    tracker.markCommitted(underWay);
    expect(tracker.committed).toBe(1n);
    expect(tracker.committable).toBe(2n);
  });

  it('refuses an offset that was received before', () => {
    const tracker = createOffsetTracker(5n);
    tracker.receive(5n, 0);
    expect(() => tracker.receive(5n, 0)).toThrow('was received before');
  });
});
