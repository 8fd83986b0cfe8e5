import { short } from '../figure-text.ts';
import { axisOfPoints, linearAxis, logAxis, type Axis } from './axis.ts';
import { colours, haloedTextAt, lineFrom, padding, plotWidth, px, svgOf, textAt, widthOf, wrapped } from './svg.ts';

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
  /** Left out where nothing is known but `y`. */
  readonly min?: number;
  readonly max?: number;
}

export interface CurveSeries {
  readonly name: string;
  readonly points: readonly CurvePoint[];
}

type PlacedPoint = Required<CurvePoint>;

const plotHeight = 300;
/** Of a series; one with more points is a line, of which only the ends are labelled. */
const mostPoints = 12;
const mostXTicks = 8;
/** Told apart by marker and dashes too, not by colour alone. */
const looks = [
  { colour: '#4f46e5', dashes: '', marker: 'circle' },
  { colour: '#c2410c', dashes: '7 4', marker: 'square' },
  { colour: '#047857', dashes: '2 4', marker: 'triangle' },
  { colour: '#be185d', dashes: '10 4 2 4', marker: 'diamond' },
  { colour: '#0369a1', dashes: '5 2', marker: 'circle' },
  { colour: '#57534e', dashes: '1 3', marker: 'square' },
] as const;
type Look = (typeof looks)[number];

/**
 * Lines over x with a band from min to max, as SVG. The labels of the axes carry the units. Points that have no place (NaN, infinite, or not above
 * zero on a logarithmic axis) are left out; a linear y-axis starts at zero.
 */
export function curvePlot(plot: {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly CurveSeries[];
  readonly logX: boolean;
  readonly logY: boolean;
}): string {
  const { title, xLabel, yLabel, logX, logY } = plot;
  const series = plot.series.map(({ name, points }, n) => ({
    name,
    points: placed(points, logX, logY),
    look: looks[n % looks.length] ?? looks[0],
  }));
  const points = series.flatMap((one) => one.points);
  const xs = points.map(({ x }) => x);
  const ys = points.flatMap(({ y, min, max }) => [y, min, max]);

  const titleLines = wrapped(title, plotWidth - 2 * padding, 15);
  const legend = series.length > 1 ? legendRows(series) : [];
  const legendTop = padding + 8 + titleLines.length * 20 + 4;
  const yLabelAt = legendTop + legend.length * 22 + 2;
  const top = yLabelAt + 22;
  const bottom = top + plotHeight;
  const yAxis = logY ? logAxis(ys, [bottom, top]) : linearAxis(ys, [bottom, top]);
  const left = padding + Math.max(...yAxis.ticks.map((tick) => widthOf(short(tick), 12))) + 8;
  const right = plotWidth - padding;
  // Room for the labels of the first and the last point.
  const xAxis = xAxisOf(xs, [left + 36, right - 36], logX);

  const obstacles: Box[] = points.map(({ x, y }) => boxAround(xAxis.at(x), yAxis.at(y), 12, 12));
  const labels = series.flatMap((one) =>
    labelsOf(one.points, one.look, { xAxis, yAxis, obstacles, frame: { left, right, top: top - 8, bottom } }),
  );

  return svgOf({
    height: bottom + 58,
    title,
    description: `${yLabel} over ${xLabel}. ${series.map(describe).join('. ')}`,
    body: [
      ...titleLines.map((line, n) => textAt(padding, padding + 8 + n * 20, line, { size: 15, bold: true })),
      ...legend.flatMap((row, n) => row.map((entry) => legendEntry(entry, legendTop + n * 22))),
      textAt(padding, yLabelAt, yLabel, { fill: colours.dim, size: 12 }),
      ...yAxis.ticks.flatMap((tick) => [
        lineFrom(left, yAxis.at(tick), right, yAxis.at(tick), colours.grid),
        textAt(left - 8, yAxis.at(tick), short(tick), { anchor: 'end', fill: colours.dim, size: 12 }),
      ]),
      lineFrom(left, bottom, right, bottom, colours.axis),
      ...withoutCrowding(xAxis).flatMap((tick) => [
        lineFrom(xAxis.at(tick), bottom, xAxis.at(tick), bottom + 5, colours.axis),
        textAt(xAxis.at(tick), bottom + 16, short(tick), { anchor: 'middle', fill: colours.dim, size: 12 }),
      ]),
      textAt((left + right) / 2, bottom + 40, xLabel, { anchor: 'middle', fill: colours.dim, size: 12 }),
      ...(points.length === 0
        ? [textAt((left + right) / 2, (top + bottom) / 2, 'not measured', { anchor: 'middle', fill: colours.dim })]
        : []),
      ...series.map((one) => band(one.points, one.look, xAxis, yAxis)),
      ...series.map((one) => lineThrough(one.points, one.look, xAxis, yAxis)),
      ...series.flatMap((one) => labelledOf(one.points).map(({ x, y }) => markerAt(xAxis.at(x), yAxis.at(y), one.look))),
      ...labels,
    ],
  });
}

/** In order of x, with min and max wherever they are known and can be drawn, else y itself. */
function placed(points: readonly CurvePoint[], logX: boolean, logY: boolean): readonly PlacedPoint[] {
  const orY = (value: number | undefined, y: number) => (value !== undefined && fits(value, logY) ? value : y);
  return points
    .filter(({ x, y }) => fits(x, logX) && fits(y, logY))
    .map(({ x, y, min, max }) => ({ x, y, min: orY(min, y), max: orY(max, y) }))
    .toSorted((a, b) => a.x - b.x);
}

function fits(value: number, logarithmic: boolean): boolean {
  return Number.isFinite(value) && (!logarithmic || value > 0);
}

/** Where points are few, their own places are the ticks. */
function xAxisOf(xs: readonly number[], pixels: readonly [number, number], logX: boolean): Axis {
  if (new Set(xs).size <= mostXTicks) return axisOfPoints(xs, pixels, logX);
  return logX ? logAxis(xs, pixels) : linearAxis(xs, pixels, mostXTicks);
}

function withoutCrowding({ ticks, at }: Axis): readonly number[] {
  let free = Number.NEGATIVE_INFINITY;
  return ticks.filter((tick) => {
    const half = widthOf(short(tick), 12) / 2;
    if (at(tick) - half < free) return false;
    free = at(tick) + half + 6;
    return true;
  });
}

function band(points: readonly PlacedPoint[], { colour }: Look, xAxis: Axis, yAxis: Axis): string {
  if (!points.some(({ min, max }) => min < max)) return '';
  const edge = (of: readonly PlacedPoint[], side: 'min' | 'max') =>
    of.map((point) => `${px(xAxis.at(point.x))},${px(yAxis.at(point[side]))}`);
  const outline = [...edge(points, 'max'), ...edge(points.toReversed(), 'min')].join(' ');
  // The rim shows the range of a point that stands alone, or at the end.
  return `<polygon points="${outline}" fill="${colour}" fill-opacity="0.15" stroke="${colour}" stroke-opacity="0.35"/>`;
}

function lineThrough(points: readonly PlacedPoint[], { colour, dashes }: Look, xAxis: Axis, yAxis: Axis): string {
  if (points.length < 2) return '';
  const way = points.map(({ x, y }) => `${px(xAxis.at(x))},${px(yAxis.at(y))}`).join(' ');
  return `<polyline points="${way}" fill="none" stroke="${colour}" stroke-width="2"${dashes === '' ? '' : ` stroke-dasharray="${dashes}"`}/>`;
}

function markerAt(x: number, y: number, { colour, marker }: Look): string {
  const paint = `fill="${colour}" stroke="${colours.panel}" stroke-width="1.5"`;
  const polygon = (...corners: readonly (readonly [number, number])[]) =>
    `<polygon points="${corners.map(([dx, dy]) => `${px(x + dx)},${px(y + dy)}`).join(' ')}" ${paint}/>`;
  switch (marker) {
    case 'circle':
      return `<circle cx="${px(x)}" cy="${px(y)}" r="5" ${paint}/>`;
    case 'square':
      return polygon([-5, -5], [5, -5], [5, 5], [-5, 5]);
    case 'triangle':
      return polygon([0, -6], [6, 5], [-6, 5]);
    case 'diamond':
      return polygon([0, -6], [6, 0], [0, 6], [-6, 0]);
  }
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function boxAround(x: number, y: number, width: number, height: number): Box {
  return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** The value at each point, where it covers nothing: above it, else below or beside it, else not at all. */
function labelsOf(
  points: readonly PlacedPoint[],
  { colour }: Look,
  room: { readonly xAxis: Axis; readonly yAxis: Axis; readonly obstacles: Box[]; readonly frame: Box },
): readonly string[] {
  const { xAxis, yAxis, obstacles, frame } = room;
  return labelledOf(points).flatMap((point) => {
    const text = short(point.y);
    const [x, y, width] = [xAxis.at(point.x), yAxis.at(point.y), widthOf(text, 12) + 4];
    const beside = width / 2 + 10;
    const centres = [
      [x, y - 15],
      [x, y + 15],
      [x + beside, y],
      [x - beside, y],
    ] as const;
    for (const [cx, cy] of centres) {
      const box = boxAround(cx, cy, width, 14);
      const isInside = box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
      if (!isInside || obstacles.some((obstacle) => overlap(obstacle, box))) continue;
      obstacles.push(box);
      return [haloedTextAt(cx, cy, text, { anchor: 'middle', fill: colour, size: 12, bold: true })];
    }
    return [];
  });
}

function labelledOf(points: readonly PlacedPoint[]): readonly PlacedPoint[] {
  return points.length <= mostPoints ? points : [...points.slice(0, 1), ...points.slice(-1)];
}

interface LegendEntry {
  readonly name: string;
  readonly look: Look;
  readonly x: number;
}

function legendRows(series: readonly { readonly name: string; readonly look: Look }[]): readonly (readonly LegendEntry[])[] {
  const rows: LegendEntry[][] = [[]];
  let x = padding;
  for (const { name, look } of series) {
    const width = 34 + widthOf(name, 12) + 16;
    if (x > padding && x + width > plotWidth - padding) {
      rows.push([]);
      x = padding;
    }
    rows.at(-1)?.push({ name, look, x });
    x += width;
  }
  return rows;
}

function legendEntry({ name, look, x }: LegendEntry, y: number): string {
  const dashes = look.dashes === '' ? '' : ` stroke-dasharray="${look.dashes}"`;
  const line = `<path d="M${px(x)} ${px(y)}h28" stroke="${look.colour}" stroke-width="2"${dashes}/>`;
  return [line, markerAt(x + 14, y, look), textAt(x + 34, y, name, { size: 12 })].join('');
}

function describe({ name, points }: CurveSeries): string {
  return `${name}: ${points.length === 0 ? 'not measured' : points.map(({ x, y }) => `${short(y)} at ${short(x)}`).join(', ')}`;
}
