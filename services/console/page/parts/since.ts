const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time from `90m`, `2h`, `3d` or ISO 8601, as ISO 8601: an address that holds it means the same tomorrow. Other texts stay as they are, for the server to refuse. */
export function absoluteTime(text: string, now: Date): string {
  const [, many, unit] = /^(\d{1,6})([mhd])$/.exec(text.trim()) ?? [];
  if (many === undefined || unit === undefined) return text.trim();
  return new Date(now.getTime() - Number(many) * units[unit as keyof typeof units]).toISOString();
}
