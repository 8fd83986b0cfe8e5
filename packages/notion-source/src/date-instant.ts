import { LRUCache } from 'lru-cache';

const form = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?)?$/;
const offsetForm = /([+-])(\d{2}):?(\d{2})(?::(\d{2}))?$/;
const dayMs = 86_400_000;

/**
 * The instant of a start or end in one of Notion's dates: an ISO 8601 day or time. A day is its UTC midnight. A time without an offset is the
 * wall clock's in `timeZone` (an IANA name). If the clock shows it twice, the earlier instant counts; if the clock skips it, the offset before
 * the gap does. Null when the text names no instant: another form, a day or hour that does not exist, an unknown zone, or neither offset
 * nor zone.
 */
export function instantOf(text: string, timeZone: string | null): Date | null {
  const [, year = '', month, day, hour, minute = '0', second = '0', fraction = '', offset] = form.exec(text) ?? [];
  const wall = new Date(0);
  wall.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (year === '' || wall.getUTCMonth() !== Number(month) - 1) return null;
  if (hour === undefined) return wall;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  wall.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.slice(0, 3).padEnd(3, '0')));
  if (offset !== undefined) return new Date(wall.getTime() - offsetMs(offset));
  return timeZone === null ? null : zonedInstant(wall.getTime(), timeZone);
}

/** By time zone: making one takes far longer than using it. */
const formats = new LRUCache<string, Intl.DateTimeFormat>({ max: 500 });

function zonedInstant(wall: number, timeZone: string): Date | null {
  const format = formatOf(timeZone);
  if (format === null) return null;
  const offsetAt = (instant: number) => offsetMs(format.format(instant));
  const before = offsetAt(wall - dayMs);
  const after = offsetAt(wall + dayMs);
  const instant = [wall - before, wall - after].find((candidate) => candidate + offsetAt(candidate) === wall);
  return new Date(instant ?? wall - before);
}

/** Its texts end in the zone's offset, such as `GMT+01:00`. */
function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    formats.set(timeZone, format);
    return format;
  } catch {
    return null;
  }
}

/** Of a text that ends in `+01:00` or `-04:56:02`; zero for any other, such as `Z` and `GMT`. */
function offsetMs(text: string): number {
  const [, sign, hours, minutes, seconds = '0'] = offsetForm.exec(text) ?? [];
  if (sign === undefined) return 0;
  const ms = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -ms : ms;
}
