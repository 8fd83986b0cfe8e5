import * as fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { linearAxis, logAxis } from './axis.ts';
import { barsPlot } from './bars.ts';
import { curvePlot } from './curve.ts';
import { widthOf, wrapped } from './svg.ts';

const bars = [
  { name: 'notion-mirror', median: 50, min: 45, max: 60, ours: true },
  { name: 'DBOS, default polling', median: 800, min: 700, max: 1_000, ours: false },
];
const barsOf = (some: Parameters<typeof barsPlot>[0]['bars']) => barsPlot({ title: 'p50', unit: 'ms', footnote: '3 rounds', bars: some });
const curve = { title: 'CPU', xLabel: 'tenants', yLabel: 'µs', logX: true, logY: false };
const points = [
  { x: 10, y: 300, min: 280, max: 330 },
  { x: 10_000, y: 360, min: 350, max: 400 },
];

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The texts and elements of a picture. Throws where it is no XML. */
function parsed(svg: string): { readonly texts: readonly string[]; readonly elements: readonly Element[] } {
  const parser = new SaxesParser();
  const texts: string[] = [];
  const elements: Element[] = [];
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('text', (text) => {
    if (text.trim() !== '') texts.push(text);
  });
  parser.on('opentag', ({ name, attributes }) => {
    elements.push({ name, attributes });
  });
  parser.write(svg).close();
  return { texts, elements };
}

function attributesOf(svg: string, name: string): readonly Element['attributes'][] {
  return parsed(svg)
    .elements.filter((element) => element.name === name)
    .map(({ attributes }) => attributes);
}

/** The points of the only line, pixels. */
function wayOf(svg: string): readonly (readonly number[])[] {
  const [line] = attributesOf(svg, 'polyline');
  return (line?.['points'] ?? '').split(' ').map((point) => point.split(',').map(Number));
}

function brokenCoordinates(svg: string): readonly string[] {
  return parsed(svg).elements.flatMap(({ attributes }) =>
    Object.values(attributes).filter((value) => /NaN|Infinity|undefined/.test(value)),
  );
}

/** What a stopwatch or a counter could say, and what must not break a picture all the same. */
const anyNumber = fc.oneof(
  fc.double({ min: -1e12, max: 1e12, noNaN: true }).map((value) => (Math.abs(value) < 1e-9 ? 0 : value)),
  fc.constantFrom(0, -1, 1e-9, 1e12, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.double({ min: 0.1, max: 1e6, noNaN: true }),
);
const anyText = fc.string({ unit: 'binary', maxLength: 60 });

describe('whatever is drawn', () => {
  test('a picture with bars is XML, and none of its coordinates is no number', () => {
    const bar = fc.record({ name: anyText, median: anyNumber, min: anyNumber, max: anyNumber, ours: fc.boolean() });
    fc.assert(
      fc.property(anyText, anyText, fc.array(bar, { maxLength: 6 }), (title, unit, some) => {
        const svg = barsPlot({ title, unit, footnote: title, bars: some });
        expect(brokenCoordinates(svg)).toEqual([]);
      }),
    );
  });

  test('a picture with curves is XML, and none of its coordinates is no number', () => {
    const point = fc.record({ x: anyNumber, y: anyNumber, min: anyNumber, max: anyNumber }, { requiredKeys: ['x', 'y'] });
    const series = fc.array(fc.record({ name: anyText, points: fc.array(point, { maxLength: 20 }) }), { maxLength: 8 });
    fc.assert(
      fc.property(anyText, series, fc.boolean(), fc.boolean(), (text, some, logX, logY) => {
        const svg = curvePlot({ title: text, xLabel: text, yLabel: text, series: some, logX, logY });
        expect(brokenCoordinates(svg)).toEqual([]);
      }),
    );
  });
});

describe('bars', () => {
  test('names, medians with their unit, and a title and description for those who do not see it', () => {
    const { texts } = parsed(barsOf(bars));
    expect(texts).toEqual(expect.arrayContaining(['p50', 'notion-mirror', '50 ms', 'DBOS, default polling', '800 ms', '3 rounds']));
    expect(texts[1]).toBe('notion-mirror: 50 ms (45 to 60); DBOS, default polling: 800 ms (700 to 1,000)');
  });

  test('what is not XML in a name is shown as it is', () => {
    const { texts } = parsed(barsOf([{ ...bars[0]!, name: 'a < b & "c"' }]));
    expect(texts).toContain('a < b & "c"');
  });

  test('lengths are as the medians are', () => {
    const widths = attributesOf(barsOf(bars), 'rect')
      .filter(({ height }) => height === '20')
      .map(({ width }) => Number(width));
    expect(widths[1]! / widths[0]!).toBeCloseTo(16, 0);
  });

  test('what was not measured says so and has no bar', () => {
    const svg = barsOf([{ name: 'a', median: Number.NaN, min: Number.NaN, max: Number.NaN, ours: true }]);
    expect(parsed(svg).texts).toContain('not measured');
    expect(attributesOf(svg, 'rect')).toHaveLength(1);
  });

  test('one round has no whisker', () => {
    const whiskers = [{ ...bars[0]!, min: 50, max: 50 }, bars[0]!].map((bar) => attributesOf(barsOf([bar]), 'path').length);
    expect(whiskers).toEqual([0, 2]);
  });

  test('a long name is broken between words and stays in the picture', () => {
    const name = 'DBOS, polling every 20 ms, with a pool of 20 connections and two processes';
    const lines = wrapped(name, 290);
    expect(lines.join(' ')).toBe(name);
    expect(lines.every((line) => widthOf(line) <= 290)).toBe(true);
    const placed = parsed(barsOf([{ ...bars[0]!, name }])).elements.filter(({ attributes }) => attributes['text-anchor'] === 'end');
    expect(placed).toHaveLength(lines.length);
    expect(placed.every(({ attributes }, n) => Number(attributes['x']) - widthOf(lines[n]!) >= 0)).toBe(true);
  });
});

describe('curves', () => {
  test('each point is labelled, its x is a tick, and the axes say what they are', () => {
    const { texts } = parsed(curvePlot({ ...curve, series: [{ name: 'ingress', points }] }));
    expect(texts).toEqual(expect.arrayContaining(['300', '360', '10', '10,000', 'tenants', 'µs']));
    expect(texts[1]).toBe('µs over tenants. ingress: 300 at 10, 360 at 10,000');
  });

  test('a band only where there is a range', () => {
    const bare = points.map(({ x, y }) => ({ x, y }));
    const bands = [points, bare].map(
      (some) => attributesOf(curvePlot({ ...curve, series: [{ name: 'a', points: some }] }), 'polygon').length,
    );
    expect(bands).toEqual([1, 0]);
  });

  test('what has no place on the axes is left out, the rest is in order of x', () => {
    const some = [
      { x: 100, y: 2 },
      { x: 1, y: 1 },
      { x: 0, y: 1 },
      { x: 5, y: Number.NaN },
    ];
    const xs = wayOf(curvePlot({ ...curve, series: [{ name: 'a', points: some }] })).map(([x]) => x);
    expect(xs).toHaveLength(2);
    expect(xs[0]).toBeLessThan(xs[1]!);
  });

  test('equal ratios are equal distances on a logarithmic axis', () => {
    const some = [1, 10, 100].map((x) => ({ x, y: x }));
    const [a, b, c] = wayOf(curvePlot({ ...curve, logY: true, series: [{ name: 'a', points: some }] }));
    expect(b![0]! - a![0]!).toBeCloseTo(c![0]! - b![0]!, 0);
    expect(a![1]! - b![1]!).toBeCloseTo(b![1]! - c![1]!, 0);
  });

  test('only several series have a legend, and they differ in more than colour', () => {
    const one = [{ name: 'first', points }];
    const two = [...one, { name: 'second', points: points.map(({ x, y }) => ({ x, y: y * 2 })) }];
    expect(parsed(curvePlot({ ...curve, series: one })).texts).not.toContain('first');
    const svg = curvePlot({ ...curve, series: two });
    expect(parsed(svg).texts).toEqual(expect.arrayContaining(['first', 'second']));
    expect(attributesOf(svg, 'polyline').map((line) => line['stroke-dasharray'])).toEqual([undefined, '7 4']);
  });

  test('two neighbours with one logarithm have a place', () => {
    const neighbours = [0.10000000000000009, 0.1000000000000001].map((x) => ({ x, y: 1 }));
    expect(brokenCoordinates(curvePlot({ ...curve, series: [{ name: 'a', points: neighbours }] }))).toEqual([]);
  });

  test('without a point it says that nothing was measured', () => {
    expect(parsed(curvePlot({ ...curve, series: [{ name: 'a', points: [] }] })).texts).toContain('not measured');
  });
});

test('axes end at round numbers around the values', () => {
  expect(linearAxis([3, 4_300], [0, 100]).ticks).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  expect(linearAxis([0.25], [0, 100]).ticks).toEqual([0, 0.05, 0.1, 0.15, 0.2, 0.25]);
  expect(logAxis([3, 90], [0, 100]).ticks).toEqual([2, 5, 10, 20, 50, 100]);
  expect(logAxis([1, 10_000], [0, 100]).ticks).toEqual([1, 10, 100, 1_000, 10_000]);
  expect(logAxis([1, 10_000], [0, 100]).at(100)).toBeCloseTo(50);
});
