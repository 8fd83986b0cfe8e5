import type { Json } from '@notion-mirror/domain/database-content';

// How states hold what Avro has no type for: times in milliseconds, JSON as text.

export function textOrNull(value: Json): string | null {
  return value === null ? null : JSON.stringify(value);
}

export function jsonOrNull(text: string | null): Json {
  return text === null ? null : (JSON.parse(text) as Json);
}

export function millisecondsOf(time: Date | null): number | null {
  return time === null ? null : time.getTime();
}

export function dateOf(milliseconds: number | null): Date | null {
  return milliseconds === null ? null : new Date(milliseconds);
}
