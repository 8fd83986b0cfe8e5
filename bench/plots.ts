import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { short } from './figure-text.ts';

export interface Bar {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** In a colour of its own: the product comes before its floors. */
  readonly isFirst: boolean;
}

export type Point = Omit<Bar, 'name' | 'isFirst'> & { readonly x: number };

/** On a panel of their own, so that they are readable on light and on dark pages. */
const colours = { panel: '#f8fafc', text: '#0f172a', first: '#4f46e5', other: '#94a3b8', band: '#c7d2fe' };

/** Horizontal bars of the medians with whiskers from the lowest to the highest round, as SVG. A bar without a median says that it was not measured. */
export function barsPlot(label: string, bars: readonly Bar[]): string {
  const measured = bars.filter(({ median }) => Number.isFinite(median));
  return svgOf({
    marginLeft: 230,
    marginRight: 70,
    marginBottom: 40,
    x: { label, grid: true },
    y: { label: null, domain: bars.map(({ name }) => name), padding: 0.3 },
    marks: [
      Plot.axisY({ lineWidth: 16, tickSize: 0 }),
      Plot.barX(measured, { x: 'median', y: 'name', fill: ({ isFirst }: Bar) => (isFirst ? colours.first : colours.other) }),
      Plot.ruleY(
        measured.filter(({ min, max }) => min < max),
        { x1: 'min', x2: 'max', y: 'name', marker: 'tick' },
      ),
      Plot.text(bars, {
        x: ({ median, max }: Bar) => (Number.isFinite(median) ? Math.max(median, max) : 0),
        y: 'name',
        text: ({ median }: Bar) => (Number.isFinite(median) ? short(median) : 'not measured'),
        textAnchor: 'start',
        dx: 6,
      }),
      Plot.ruleX([0]),
    ],
  });
}

/** The medians over a logarithmic axis, with a band from the lowest to the highest round, as SVG. Points without a median are left out. */
export function curvePlot(labels: { readonly x: string; readonly y: string }, points: readonly Point[]): string {
  const measured = points.filter(({ x, median }) => x > 0 && Number.isFinite(median)).toSorted((a, b) => a.x - b.x);
  return svgOf({
    height: 280,
    marginLeft: 60,
    marginRight: 40,
    marginTop: 40,
    marginBottom: 45,
    x: { type: 'log', label: labels.x, ticks: measured.map(({ x }) => x), tickFormat: short },
    y: { label: labels.y, grid: true, zero: true },
    marks: [
      Plot.areaY(measured, { x: 'x', y1: 'min', y2: 'max', fill: colours.band }),
      Plot.lineY(measured, { x: 'x', y: 'median', stroke: colours.first, marker: 'circle' }),
      Plot.text(measured, { x: 'x', y: 'median', text: ({ median }: Point) => short(median), dy: -12 }),
      Plot.ruleY([0]),
    ],
  });
}

function svgOf(options: Plot.PlotOptions): string {
  const { document } = parseHTML('<html></html>');
  const svg = Plot.plot({ ...options, document, width: 760, style: { color: colours.text, fontSize: '13px' } });
  const panel = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  for (const [name, value] of Object.entries({ width: '100%', height: '100%', rx: '10', fill: colours.panel }))
    panel.setAttribute(name, value);
  svg.prepend(panel);
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
