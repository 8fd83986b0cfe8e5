/** The keys from the root of a JSON value to a part of it. For tests. */
export type Path = readonly string[];

/** The paths of every part of a value, including the whole. */
export function pathsOf(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

/** A copy with one part replaced. */
export function replaceAt(target: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const copy: Record<string, unknown> = { ...(target as Record<string, unknown>) };
  copy[key] = replaceAt(copy[key], rest, value);
  return copy;
}
