import { short } from '../figure-text.ts';
import { linearAxis } from './axis.ts';
import { colours, escaped, lineFrom, padding, plotWidth, px, svgOf, textAt, widthOf, wrapped } from './svg.ts';

export interface Bar {
  readonly name: string;
  /** NaN: not measured. */
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Drawn stronger than what it is compared with. */
  readonly ours: boolean;
}

const titleHeight = 34;
const lineHeight = 17;
const widestName = 290;

/** A horizontal bar for each median, from zero, with a whisker from the lowest to the highest value, as SVG. `unit` stands behind the numbers. */
export function barsPlot(plot: {
  readonly title: string;
  readonly unit: string;
  readonly footnote: string;
  readonly bars: readonly Bar[];
}): string {
  const { title, unit, footnote, bars } = plot;
  const titleLines = wrapped(title, plotWidth - 2 * padding, 15);
  const footLines = wrapped(footnote, plotWidth - 2 * padding, 11);
  const rows = bars.map((bar) => ({
    ...bar,
    lines: wrapped(bar.name, widestName),
    label: Number.isFinite(bar.median) ? `${short(bar.median)} ${unit}` : 'not measured',
  }));
  const nameWidth = Math.max(0, ...rows.flatMap(({ lines }) => lines.map((line) => widthOf(line))));
  const left = padding + nameWidth + 10;
  const right = plotWidth - padding - 10 - Math.max(0, ...rows.map(({ label }) => widthOf(label)));
  const ends = bars.flatMap(({ median, min, max }) => [median, min, max]).filter(Number.isFinite);
  const axis = linearAxis(ends, [left, right], right - left < 260 ? 3 : 5);
  const ticks = ends.length === 0 ? [0] : axis.ticks;

  const top = padding + (titleLines.length - 1) * 20 + titleHeight;
  let y = top;
  const drawn = rows.map((row) => {
    const height = Math.max(36, row.lines.length * lineHeight + 10);
    const middle = y + height / 2;
    y += height;
    return barAt(row, middle, { left, at: axis.at });
  });
  const grid = ticks.map((tick) => lineFrom(axis.at(tick), top, axis.at(tick), y + 4, tick === 0 ? colours.axis : colours.grid));
  const tickLabels = ticks.map((tick) => textAt(axis.at(tick), y + 14, short(tick), { anchor: 'middle', fill: colours.dim, size: 11 }));
  const foot = y + 38;

  return svgOf({
    height: foot + (footLines.length - 1) * 15 + padding - 4,
    title,
    description: rows
      .map(({ name, label, min, max }) => `${name}: ${label}${min < max ? ` (${short(min)} to ${short(max)})` : ''}`)
      .join('; '),
    body: [
      ...titleLines.map((line, n) => textAt(padding, padding + 8 + n * 20, line, { size: 15, bold: true })),
      ...grid,
      ...drawn,
      ...tickLabels,
      ...footLines.map((line, n) => textAt(padding, foot + n * 15, line, { fill: colours.dim, size: 11 })),
    ],
  });
}

function barAt(
  { lines, label, median, min, max, ours }: Bar & { readonly lines: readonly string[]; readonly label: string },
  middle: number,
  { left, at }: { readonly left: number; readonly at: (value: number) => number },
): string {
  const name = lines.map((line, n) => {
    const y = middle + (n - (lines.length - 1) / 2) * lineHeight;
    return textAt(left - 10, y, line, { anchor: 'end', bold: ours });
  });
  if (!Number.isFinite(median)) return [...name, textAt(left + 8, middle, label, { fill: colours.dim })].join('');
  const [start, end] = [Math.min(at(0), at(median)), Math.max(at(0), at(median))];
  const bar = `<rect x="${px(start)}" y="${px(middle - 10)}" width="${px(end - start)}" height="20" fill="${escaped(ours ? colours.ours : colours.theirs)}"/>`;
  const hasWhisker = Number.isFinite(min) && Number.isFinite(max) && min < max;
  const farthest = hasWhisker ? Math.max(end, at(max)) : end;
  return [...name, bar, hasWhisker ? whisker(at(min), at(max), middle) : '', textAt(farthest + 8, middle, label)].join('');
}

/** Pale below and dark above: it is seen on a bar of any colour. */
function whisker(from: number, to: number, y: number): string {
  const path = `M${px(from)} ${px(y - 5)}V${px(y + 5)}M${px(to)} ${px(y - 5)}V${px(y + 5)}M${px(from)} ${px(y)}H${px(to)}`;
  return [
    `<path d="${path}" fill="none" stroke="${colours.panel}" stroke-width="4" stroke-linecap="square"/>`,
    `<path d="${path}" fill="none" stroke="${colours.text}" stroke-width="1.5"/>`,
  ].join('');
}
