import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantOf } from './date-instant.ts';

const pad = (value: number) => String(value).padStart(2, '0');

describe('the instant of a date', () => {
  it.each<[string, string | null, string | null]>([
    ['2026-01-31', null, '2026-01-31T00:00:00.000Z'],
    ['2026-01-31', 'America/New_York', '2026-01-31T00:00:00.000Z'],
    ['2024-02-29', null, '2024-02-29T00:00:00.000Z'],
    ['0099-12-31', null, '0099-12-31T00:00:00.000Z'],
    ['2026-01-31T09:30:00.000+05:30', null, '2026-01-31T04:00:00.000Z'],
    ['2026-01-31T09:30:00.123456-0800', null, '2026-01-31T17:30:00.123Z'],
    ['2026-01-31T09:30Z', 'Asia/Tokyo', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31T09:30:00', 'Europe/Berlin', '2026-01-31T08:30:00.000Z'],
    ['2026-07-31T09:30:00.000', 'Europe/Berlin', '2026-07-31T07:30:00.000Z'],
    ['2026-07-31T00:15:00.000', 'Asia/Kathmandu', '2026-07-30T18:30:00.000Z'],
    ['1850-01-01T00:00:00', 'America/New_York', '1850-01-01T04:56:02.000Z'],
    // The hours around both changes of the clock.
    ['2026-03-29T01:59:59.999', 'Europe/Berlin', '2026-03-29T00:59:59.999Z'],
    ['2026-03-29T02:30:00.000', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
    ['2026-03-29T03:00:00.000', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['2026-10-25T01:59:59.999', 'Europe/Berlin', '2026-10-24T23:59:59.999Z'],
    ['2026-10-25T02:30:00.000', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['2026-10-25T03:00:00.000', 'Europe/Berlin', '2026-10-25T02:00:00.000Z'],
    ['2026-03-08T02:30:00.000', 'America/Los_Angeles', '2026-03-08T10:30:00.000Z'],
    ['2026-11-01T01:30:00.000', 'America/Los_Angeles', '2026-11-01T08:30:00.000Z'],
    ['2026-02-30', null, null],
    ['2026-02-29', null, null],
    ['2026-13-01', null, null],
    ['2026-00-10', null, null],
    ['2026-01-00', null, null],
    ['2026-01-31T24:00:00Z', null, null],
    ['2026-01-31T10:60:00Z', null, null],
    ['2026-01-31T10:00:60Z', null, null],
    ['2026-01-31T10:00:00+24:00', null, null],
    ['2026-01-31T10:00:00', null, null],
    ['2026-01-31T10:00:00', 'Mars/Olympus', null],
    ['2026-01-31T10:00:00', '', null],
    ['31 January 2026', null, null],
    ['2026-01-31T', null, null],
    [' 2026-01-31', null, null],
    ['2026-01-31\n', null, null],
    ['', null, null],
  ])('%s in %s is %s', (text, zone, instant) => {
    expect(instantOf(text, zone)).toEqual(instant === null ? null : new Date(instant));
  });

  it('reads every instant that an offset writes', () => {
    const instant = fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true });
    fc.assert(
      fc.property(instant, fc.integer({ min: -23 * 60, max: 23 * 60 }), (date, offset) => {
        const wall = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
        const written = `${wall}${offset < 0 ? '-' : '+'}${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`;
        expect(instantOf(written, null)).toEqual(date);
      }),
    );
  });

  it('is shown by a clock of the zone as it is written, unless the clock skips it', () => {
    const zones = fc.constantFrom('Europe/Berlin', 'America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Apia', 'Asia/Tehran', 'UTC');
    const minutes = fc.integer({ min: Date.UTC(1975, 0) / 60_000, max: Date.UTC(2040, 0) / 60_000 });
    fc.assert(
      fc.property(minutes, zones, (minute, timeZone) => {
        const instant = new Date(minute * 60_000);
        const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
        const shown = clock.format(instant);
        const found = instantOf(shown.replace(' ', 'T'), timeZone);
        expect(clock.format(found ?? 0)).toBe(shown);
        expect(found?.getTime()).toBeLessThanOrEqual(instant.getTime());
      }),
      { numRuns: 500 },
    );
  });
});
