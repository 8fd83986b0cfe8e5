import * as fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { barsPlot, curvePlot } from './plots.ts';

const bars = [
  { name: 'notion-mirror', median: 50, min: 45, max: 60, isFirst: true },
  { name: 'bare clients', median: 800, min: 700, max: 1_000, isFirst: false },
];
const points = [
  { x: 10, median: 300, min: 280, max: 330 },
  { x: 10_000, median: 360, min: 350, max: 400 },
];

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The texts and elements of a picture. Throws where it is not XML. */
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

function widthsOfBars(svg: string): readonly number[] {
  return parsed(svg).elements.flatMap(({ name, attributes }) =>
    name === 'rect' && attributes['x'] !== undefined ? [Number(attributes['width'])] : [],
  );
}

function brokenCoordinates(svg: string): readonly string[] {
  return parsed(svg).elements.flatMap(({ attributes }) =>
    Object.values(attributes).filter((value) => /NaN|Infinity|undefined/.test(value)),
  );
}

/** Regression: between 5e-324 and 1e-323 an axis has no ticks that a double can hold. No figure is below a picosecond. */
const anyNumber = fc.oneof(
  fc.double({ min: 1e-12, max: 1e12, noNaN: true }),
  fc.constantFrom(0, 1e-9, 1e12, Number.NaN),
  fc.double({ min: 0.1, max: 1e6, noNaN: true }),
);
const anySummary = fc.tuple(anyNumber, anyNumber, anyNumber).map((values) => {
  if (values.some(Number.isNaN)) return { median: Number.NaN, min: Number.NaN, max: Number.NaN };
  const [min, median, max] = values.toSorted((a, b) => a - b) as [number, number, number];
  return { median, min, max };
});

describe('any results', () => {
  test('make bars that are XML without a broken coordinate', () => {
    const bar = fc.record({ name: fc.string({ maxLength: 60 }), isFirst: fc.boolean(), summary: anySummary });
    fc.assert(
      fc.property(fc.string(), fc.uniqueArray(bar, { maxLength: 6, selector: ({ name }) => name }), (label, some) => {
        expect(
          brokenCoordinates(
            barsPlot(
              label,
              some.map(({ summary, ...rest }) => ({ ...rest, ...summary })),
            ),
          ),
        ).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test('make a curve that is XML without a broken coordinate', () => {
    const point = fc.record({ x: anyNumber, summary: anySummary });
    fc.assert(
      fc.property(fc.string(), fc.array(point, { maxLength: 20 }), (label, some) => {
        const svg = curvePlot(
          { x: label, y: label },
          some.map(({ x, summary }) => ({ x, ...summary })),
        );
        expect(brokenCoordinates(svg)).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

describe('bars', () => {
  test('have names, medians and the unit', () => {
    const { texts } = parsed(barsPlot('p50, ms', bars));
    expect(texts).toEqual(expect.arrayContaining(['notion-mirror', '50', 'bare clients', '800']));
    expect(texts.join(' ')).toContain('p50, ms');
  });

  test('show a name that is not XML as it is', () => {
    expect(parsed(barsPlot('ms', [{ ...bars[0]!, name: 'a < b & c' }])).texts).toContain('a < b & c');
  });

  test('are as long as the medians', () => {
    const [first, second] = widthsOfBars(barsPlot('ms', bars));
    expect(second! / first!).toBeCloseTo(16, 0);
  });

  test('are left out with a note where nothing was measured', () => {
    const svg = barsPlot('ms', [{ name: 'a', median: Number.NaN, min: Number.NaN, max: Number.NaN, isFirst: true }]);
    expect(parsed(svg).texts).toContain('not measured');
    expect(widthsOfBars(svg)).toEqual([]);
  });

  test('have no whisker after one round', () => {
    const lines = [{ ...bars[0]!, min: 50, max: 50 }, bars[0]!].map(
      (bar) => parsed(barsPlot('ms', [bar])).elements.filter(({ attributes }) => attributes['marker-end'] !== undefined).length,
    );
    expect(lines[0]).toBe(0);
    expect(lines[1]).toBeGreaterThan(0);
  });
});

describe('a curve', () => {
  test('labels its points, has their x as ticks, and names its axes', () => {
    const { texts } = parsed(curvePlot({ x: 'tenants', y: 'CPU, µs' }, points));
    expect(texts).toEqual(expect.arrayContaining(['300', '360', '10', '10,000']));
    expect(texts.join(' ')).toMatch(/CPU, µs.*tenants|tenants.*CPU, µs/);
  });

  test('leaves out points that have no place on the axes', () => {
    const { texts } = parsed(
      curvePlot({ x: 'x', y: 'y' }, [...points, { ...points[0]!, x: 0, median: 77 }, { ...points[0]!, x: 5, median: Number.NaN }]),
    );
    expect(texts).toContain('300');
    expect(texts).not.toContain('77');
  });
});
