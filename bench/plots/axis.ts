export interface Axis {
  readonly ticks: readonly number[];
  /** From a value to pixels. */
  readonly at: (value: number) => number;
}

type Span = readonly [from: number, to: number];

/** Pixels `from`–`to` for values from zero (or the lowest below zero) to the round number that is not below any of them. */
export function linearAxis(values: readonly number[], pixels: Span, ticksWanted = 5): Axis {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const step = roundStep((high - low || 1) / ticksWanted);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  const ticks = Array.from({ length: last - first + 1 }, (_, n) => exact((first + n) * step));
  return { ticks, at: between([first * step, last * step], pixels) };
}

/** The same on a logarithmic scale, for values above zero: between the 1, 2 or 5 times a power of ten that are not inside of them. */
export function logAxis(values: readonly number[], pixels: Span): Axis {
  const [low, high] = values.length === 0 ? [1, 10] : [Math.min(...values), Math.max(...values)];
  const all = roundNumbers(low, high);
  const from = all.findLast((value) => value <= low * (1 + 1e-9)) ?? low;
  const wanted = all.find((value) => value >= high * (1 - 1e-9) && value > from) ?? high * 10;
  const inside = all.filter((value) => value >= from && value <= wanted);
  const decades = inside.filter((value) => Number.isInteger(exact(Math.log10(value))));
  const at = between([Math.log10(from), Math.log10(wanted)], pixels);
  return { ticks: decades.length >= 4 ? decades : inside, at: (value) => at(Math.log10(value)) };
}

/** Pixels for exactly the values from the lowest to the highest, on either scale: its ticks are the values themselves. */
export function axisOfPoints(values: readonly number[], pixels: Span, logarithmic: boolean): Axis {
  const scaled = logarithmic ? Math.log10 : (value: number) => value;
  const ticks = [...new Set(values)].toSorted((a, b) => a - b);
  const [low, high] = [ticks[0] ?? 1, ticks.at(-1) ?? 1];
  // The scaled ones are compared: two neighbours can have one logarithm.
  if (scaled(low) === scaled(high)) return { ticks, at: () => (pixels[0] + pixels[1]) / 2 };
  const at = between([scaled(low), scaled(high)], pixels);
  return { ticks, at: (value) => at(scaled(value)) };
}

function between([low, high]: Span, [from, to]: Span): (value: number) => number {
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}

/** 1, 2 or 5 times a power of ten, not below the step. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 5, 10].find((one) => one * power >= step * (1 - 1e-9)) ?? 10;
  return factor * power;
}

function roundNumbers(low: number, high: number): readonly number[] {
  const [first, last] = [Math.floor(Math.log10(low)) - 1, Math.ceil(Math.log10(high)) + 1];
  return Array.from({ length: last - first + 1 }, (_, n) => [1, 2, 5].map((factor) => exact(factor * 10 ** (first + n)))).flat();
}

/** Without what binary fractions add: 0.30000000000000004. */
function exact(value: number): number {
  return Number(value.toPrecision(12));
}
