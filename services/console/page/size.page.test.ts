import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

interface Chunk {
  readonly file: string;
  readonly css?: readonly string[];
  readonly imports?: readonly string[];
}

const dist = join(import.meta.dirname, 'dist');
const manifest = JSON.parse(readFileSync(join(dist, '.vite', 'manifest.json'), 'utf8')) as Readonly<Record<string, Chunk>>;
const kilobytes = (files: ReadonlySet<string>) =>
  [...files].reduce((sum, file) => sum + statSync(join(dist, `${file}.gz`)).size, 0) / 1_000;

function needed(...names: readonly string[]): Set<string> {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    for (const other of needed(...(manifest[name]?.imports ?? []))) seen.add(other);
  }
  return seen;
}

const filesOf = (chunks: Iterable<string>) => new Set([...chunks].map((name) => manifest[name]!.file));

test('the overview loads at most 200 KB of script and 40 KB of styles, compressed', () => {
  const chunks = needed('index.html', 'pages/overview.tsx');
  expect(filesOf(chunks)).toContain(manifest['pages/overview.tsx']!.file);
  expect(kilobytes(filesOf(chunks))).toBeLessThanOrEqual(200);
  expect(kilobytes(new Set([...chunks].flatMap((name) => manifest[name]!.css ?? [])))).toBeLessThanOrEqual(40);
});

test('all pages together have at most 400 KB of script', () => {
  expect(kilobytes(new Set(Object.values(manifest).map(({ file }) => file)))).toBeLessThanOrEqual(400);
});

test('nothing is inline, and nothing is loaded from elsewhere', () => {
  const html = readFileSync(join(dist, 'index.html'), 'utf8');
  expect(
    [...html.matchAll(/<(script|style)([^>]*)>([^<]*)/g)].filter(([, , attributes, text]) => !attributes!.includes('src=') || text !== ''),
  ).toEqual([]);
  expect(html).not.toMatch(/https?:|\sstyle=|\son\w+=/);
});
