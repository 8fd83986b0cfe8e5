/** A panel of its own behind everything: the same picture on light and on dark pages. */
export const colours = {
  panel: '#f8fafc',
  text: '#0f172a',
  dim: '#475569',
  grid: '#e2e8f0',
  axis: '#94a3b8',
  ours: '#4f46e5',
  theirs: '#94a3b8',
};

export const plotWidth = 760;
export const padding = 20;

/** A whole picture. `body` is markup; title and description are text, for those who do not see it. */
export function svgOf(picture: {
  readonly height: number;
  readonly title: string;
  readonly description: string;
  readonly body: readonly string[];
}): string {
  const { height, title, description, body } = picture;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${plotWidth}" height="${px(height)}" viewBox="0 0 ${plotWidth} ${px(height)}" font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="13" role="img" aria-labelledby="title desc">`,
    `<title id="title">${escaped(title)}</title>`,
    `<desc id="desc">${escaped(description)}</desc>`,
    `<rect width="${plotWidth}" height="${px(height)}" rx="10" fill="${colours.panel}"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

interface TextStyle {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly fill?: string;
  readonly size?: number;
  readonly bold?: boolean;
}

/** One line of text; `y` is its middle. */
export function textAt(
  x: number,
  y: number,
  text: string,
  { anchor = 'start', fill = colours.text, size = 13, bold = false }: TextStyle = {},
): string {
  // Not dominant-baseline, which not every renderer knows.
  const baseline = y + size * 0.36;
  return `<text x="${px(x)}" y="${px(baseline)}" font-size="${size}"${bold ? ' font-weight="600"' : ''} text-anchor="${anchor}" fill="${fill}">${escaped(text)}</text>`;
}

/** The same with a rim in the colour of the panel, for text that crosses lines. */
export function haloedTextAt(x: number, y: number, text: string, style: TextStyle = {}): string {
  const body = textAt(x, y, text, style);
  const rim = textAt(x, y, text, { ...style, fill: colours.panel }).replace(
    '<text ',
    `<text stroke="${colours.panel}" stroke-width="4" stroke-linejoin="round" `,
  );
  return `${rim}${body}`;
}

export function lineFrom(x1: number, y1: number, x2: number, y2: number, stroke: string, width = 1): string {
  return `<line x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}" stroke="${stroke}" stroke-width="${width}"/>`;
}

/** For XML text and quoted attributes. What XML cannot hold at all becomes a space: control characters, halves of characters. */
export function escaped(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** How wide a text will be at most, pixels: a picture does not know the fonts of who looks at it, so it reckons with wide ones. */
export function widthOf(text: string, size = 13): number {
  return text.length * size * 0.62;
}

/** Lines that are at most so wide, pixels, broken between words; a word that is wider stays whole. */
export function wrapped(text: string, width: number, size = 13): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(`${last} ${word}`, size) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A coordinate, to a tenth of a pixel. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}
