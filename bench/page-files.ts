import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from './page.ts';

/** Notes by their name: the file's, without `.md`. */
export function readNotes(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.md'));
  return new Map(files.map((file) => [file.slice(0, -'.md'.length), readFileSync(join(folder, file), 'utf8')]));
}

/** Writes performance.md and performance/*.svg into the folder, and removes pictures that the page no longer has. */
export function writePage(docs: string, page: Page): void {
  mkdirSync(join(docs, 'performance'), { recursive: true });
  for (const picture of picturesIn(docs)) rmSync(join(docs, picture));
  for (const [file, text] of filesOf(page)) writeFileSync(join(docs, file), text);
}

/** Which files of the folder are not what `writePage` would leave there. */
export function outdatedFiles(docs: string, page: Page): readonly string[] {
  const wanted = filesOf(page);
  const outdated = [...wanted].filter(([file, text]) => textOf(join(docs, file)) !== text).map(([file]) => file);
  return [...outdated, ...picturesIn(docs).filter((picture) => !wanted.has(picture))];
}

function filesOf({ markdown, pictures }: Page): ReadonlyMap<string, string> {
  return new Map([['performance.md', markdown], ...[...pictures].map(([file, svg]) => [`performance/${file}`, svg] as const)]);
}

function picturesIn(docs: string): readonly string[] {
  try {
    const files = readdirSync(join(docs, 'performance'));
    return files.filter((file) => file.endsWith('.svg')).map((file) => `performance/${file}`);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
