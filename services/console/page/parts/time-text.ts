const parts = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;

/** The time of day; with the date unless it is today's. */
export function instantText(at: Date, now: Date, utc: boolean): string {
  if (Number.isNaN(at.getTime())) return 'unknown';
  const zone = utc ? { timeZone: 'UTC' } : {};
  const time = at.toLocaleTimeString('en-GB', { ...parts, ...zone });
  const day = (date: Date) => date.toLocaleDateString('sv-SE', zone);
  const text = day(at) === day(now) ? time : `${day(at)} ${time}`;
  return utc ? `${text} UTC` : text;
}

/** How long ago, from ms: `now`, `12 s ago`, `in 3 min`. */
export function ageText(ms: number): string {
  if (Number.isNaN(ms)) return '';
  if (Math.abs(ms) < 1_000) return 'now';
  return ms < 0 ? `in ${durationText(-ms)}` : `${durationText(ms)} ago`;
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** A duration in its largest whole unit: `340 ms`, `2.4 s`, `12 min`, `3 d`. Null is a dash. */
export function durationText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  const [unit, length] = units.find(([, size]) => ms >= size) ?? units[3];
  return `${Math.floor(ms / length)} ${unit}`;
}
