// An SVG of what a terminal shows. It draws its own dark background, so it reads the same on a light page and on a dark one.
import { stripVTControlCharacters } from 'node:util';

const lineHeight = 20;
const charWidth = 8.4;
const margin = 20;
const colours: Readonly<Record<string, string>> = {
  31: '#f87171',
  32: '#4ade80',
  33: '#facc15',
  34: '#60a5fa',
  35: '#e879f9',
  36: '#22d3ee',
};

interface Style {
  readonly colour?: string | undefined;
  readonly bold?: boolean;
  readonly dim?: boolean;
}

/** `lines` may hold the SGR codes of bold, dim and the six colours; other codes are dropped. `title` is for screen readers. */
export function terminalPicture(lines: readonly string[], title: string): string {
  const columns = Math.max(...lines.map((line) => stripVTControlCharacters(line).length));
  const width = Math.ceil(columns * charWidth) + 2 * margin;
  const height = lines.length * lineHeight + 2 * margin;
  let style: Style = {};
  const texts = lines.map((line, index) => {
    const [spans, after] = spansOf(line, style);
    style = after;
    return `  <text x="${margin}" y="${margin + (index + 0.75) * lineHeight}">${spans}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    '  <style>text { font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #e2e8f0 }</style>',
    `  <rect width="${width}" height="${height}" rx="10" fill="#0f172a"/>`,
    ...texts,
    '</svg>',
    '',
  ].join('\n');
}

/** The line as `tspan`s, and the style that the next line begins with. */
function spansOf(line: string, before: Style): [string, Style] {
  let style = before;
  // Odd parts are codes: that is how `split` keeps a captured separator.
  // oxlint-disable-next-line no-control-regex
  const spans = line.split(/\u001b\[([\d;]*)m/).map((part, index) => {
    if (index % 2 === 0) return part === '' ? '' : `<tspan${attributes(style)}>${escaped(stripVTControlCharacters(part))}</tspan>`;
    style = part.split(';').reduce(withCode, style);
    return '';
  });
  return [spans.join(''), style];
}

function withCode(style: Style, code: string): Style {
  if (code === '0' || code === '') return {};
  if (code === '1') return { ...style, bold: true };
  if (code === '2') return { ...style, dim: true };
  if (code === '22') return { colour: style.colour };
  if (code === '39') return { ...style, colour: undefined };
  return code in colours ? { ...style, colour: colours[code] } : style;
}

function attributes({ colour, bold, dim }: Style): string {
  return [
    colour === undefined ? '' : ` fill="${colour}"`,
    bold === true ? ' font-weight="bold"' : '',
    dim === true ? ' fill-opacity="0.6"' : '',
  ].join('');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
