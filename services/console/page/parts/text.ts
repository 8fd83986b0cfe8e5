const characters = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Cut in the middle, where ids and titles that look alike differ least: `Road…2026`. Never within a character, however many code points it has. */
export function middle(text: string, longest: number): string {
  if (text.length <= longest) return text;
  // What is far from both ends is not shown anyway.
  const near = text.length > 2 * far ? text.slice(0, far) + text.slice(-far) : text;
  const shown = Array.from(characters.segment(near), ({ segment }) => segment);
  if (shown.length <= longest) return text;
  const start = shown.slice(0, Math.ceil((longest - 1) / 2));
  return [...start, '…', ...shown.slice(start.length + 1 - longest)].join('');
}

const far = 500;

/** `2,000`. */
export function figure(n: number): string {
  return n.toLocaleString('en');
}

/** `1 tenant`, `2,000 tenants`. */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${figure(n)} ${n === 1 ? noun : plural}`;
}

/** A link that may be followed: https only. Anything else, such as `javascript:`, is null. */
export function safeLink(url: unknown): string | null {
  if (typeof url !== 'string' || !URL.canParse(url)) return null;
  return new URL(url).protocol === 'https:' ? url : null;
}

/** As an argument of a shell command. */
export function shellWord(text: string): string {
  return /^[\w.:/@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
