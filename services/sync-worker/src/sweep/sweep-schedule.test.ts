import { describe, expect, it } from 'vitest';
import type { SweepClaim } from '@notion-mirror/mirror-store/sweep-ledger';
import { depthOf, nextAfterIncomplete, nextSweepAt, removalsAllowed } from './sweep-schedule.ts';

const minute = 60_000;
const hour = 60 * minute;
const intervalMs = 6 * hour;
const activation = new Date('2026-11-25T12:00:00Z');
const at = (ms: number) => activation.getTime() + ms;
const claim = (changes: Partial<SweepClaim>): SweepClaim => ({
  workspaceId: 'acme',
  activation,
  worker: 'w',
  dueAt: activation,
  lastStartedAt: null,
  request: null,
  failures: 0,
  incompleteSince: null,
  ...changes,
});

describe('the time of the next sweep', () => {
  it('is 1, 10 and 60 minutes after the activation, then once per interval', () => {
    // A tenant whose regular times are far from the repeats.
    const tenant = { workspaceId: 'tenant-3', activation };
    let startedAt = at(0);
    const times: number[] = [];
    for (let sweep = 0; sweep < 6; sweep += 1) {
      startedAt = nextSweepAt(tenant, { startedAt, now: startedAt + 5_000, intervalMs: 1000 * hour });
      times.push(startedAt - at(0));
    }
    expect(times.slice(0, 3)).toEqual([minute, 10 * minute, hour]);
    expect(times.slice(4).map((time, index) => time - (times[index + 3] ?? 0))).toEqual([1000 * hour, 1000 * hour]);
  });

  it('is a minute after an incomplete sweep, and backs off while sweeps stay incomplete', () => {
    const next = (incompleteMs: number) =>
      nextAfterIncomplete({ incompleteSince: new Date(at(0)) }, { startedAt: at(incompleteMs), now: at(incompleteMs), intervalMs }) -
      at(incompleteMs);
    expect(nextAfterIncomplete({ incompleteSince: null }, { startedAt: at(0), now: at(0), intervalMs })).toBe(at(minute));
    expect([0, minute, 8 * minute, 48 * hour].map(next)).toEqual([minute, minute, 8 * minute, intervalMs]);
  });

  it('merges the repeats missed during a long sweep into one, due at once', () => {
    const tenant = { workspaceId: 'acme', activation };
    expect(nextSweepAt(tenant, { startedAt: at(0), now: at(15 * minute), intervalMs: 1000 * hour })).toBe(at(minute));
    expect(nextSweepAt(tenant, { startedAt: at(15 * minute), now: at(16 * minute), intervalMs: 1000 * hour })).toBe(at(hour));
  });

  it('is spread over the interval by tenant id alone, and never equals the time of the last sweep', () => {
    const now = at(10 * hour);
    const nextOf = (index: number) => nextSweepAt({ workspaceId: `tenant-${index}`, activation }, { startedAt: now, now, intervalMs });
    const times = Array.from({ length: 1000 }, (_, index) => nextOf(index));
    expect(times.every((time) => time > now && time <= now + intervalMs)).toBe(true);
    expect(times).toEqual(Array.from({ length: 1000 }, (_, index) => nextOf(index)));
    const perHour = Array.from({ length: 6 }, (_, index) => times.filter((time) => Math.floor((time - now - 1) / hour) === index).length);
    expect(Math.min(...perHour)).toBeGreaterThan(100);
    expect(nextSweepAt({ workspaceId: 'tenant-1', activation }, { startedAt: nextOf(1), now: nextOf(1), intervalMs })).toBe(
      nextOf(1) + intervalMs,
    );
  });
});

it('compares at full depth except in the repeats after an activation', () => {
  expect(depthOf(claim({}))).toBe('full');
  const repeat = { dueAt: new Date(at(10 * minute)), lastStartedAt: new Date(at(minute)) };
  expect(depthOf(claim(repeat))).toBe('search');
  expect(depthOf(claim({ ...repeat, request: { at: new Date(), acceptRemovals: false } }))).toBe('full');
  expect(depthOf(claim({ ...repeat, lastStartedAt: new Date(at(-minute)) }))).toBe('full');
  // The sweep before may have compared nothing: the repeat would have counted as complete without the mirrored databases.
  expect(depthOf(claim({ ...repeat, incompleteSince: new Date(at(minute)) }))).toBe('full');
  expect(depthOf(claim({ dueAt: new Date(at(3 * hour)), lastStartedAt: new Date(at(hour)) }))).toBe('full');
});

it('may remove a fifth of the databases without an operator, and always two', () => {
  expect([0, 1, 2, 9, 10, 14, 15, 100].map(removalsAllowed)).toEqual([2, 2, 2, 2, 2, 2, 3, 20]);
});
