import type { Summary } from './statistics.ts';

/** Three digits, or whole numbers from 100 on; a dash for NaN and infinities. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return value.toLocaleString(
    'en',
    Math.abs(value) < 10 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 },
  );
}

/** `12 [4–40]`: the median, the lowest and the highest value; a dash when it was not measured. */
export function rangeOf({ median, min, max }: Summary): string {
  return min === max || !Number.isFinite(median) ? short(median) : `${short(median)} [${short(min)}–${short(max)}]`;
}

/** `65 s`, `12 min 5 s` */
export function durationText(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  return seconds < 90 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
