/** Lines through the known values, from 0 to the largest of them; a gap ends one. `x,y x,y …` */
export function sparkPoints(values: readonly (number | null)[], width: number, height: number): string[] {
  const most = Math.max(...values.map((value) => value ?? 0), Number.MIN_VALUE);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const lines: string[][] = [[]];
  for (const [n, value] of values.entries()) {
    if (value === null) lines.push([]);
    else lines.at(-1)?.push(`${round(n * step)},${round(height - 1 - (value / most) * (height - 2))}`);
  }
  // A single minute is a short line.
  return lines.filter((line) => line.length > 0).map((line) => (line.length === 1 ? `${line[0]} ${line[0]}` : line.join(' ')));
}

export function sparkSentence(name: string, values: readonly (number | null)[], textOf: (value: number) => string): string {
  const known = values.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return `${name} in the last hour: not known yet.`;
  return `${name} in the last hour: ${textOf(Math.min(...known))} at least, ${textOf(Math.max(...known))} at most, last ${textOf(last)}.`;
}

function round(number: number): number {
  return Math.round(number * 10) / 10;
}
