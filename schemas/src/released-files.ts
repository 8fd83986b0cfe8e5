import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** SHA-256 (hex) of each released file, by its path below the schemas folder. Released versions are in registries and logs and never change. */
export type ReleasedFiles = Readonly<Record<string, string>>;

const lockFile = 'released.json';

export function loadReleasedFiles(folder: string): ReleasedFiles {
  const path = `${folder}/${lockFile}`;
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as ReleasedFiles) : {};
}

export function saveReleasedFiles(folder: string, files: readonly string[]): void {
  const digests = Object.fromEntries(files.toSorted().map((file) => [file, digest(`${folder}/${file}`)]));
  writeFileSync(`${folder}/${lockFile}`, `${JSON.stringify(digests, null, 2)}\n`);
}

/** One sentence for each released file that changed or vanished. */
export function changedReleasedFiles(folder: string, released: ReleasedFiles): string[] {
  return Object.entries(released).flatMap(([file, expected]) => {
    if (!existsSync(`${folder}/${file}`)) return [`${file} was released and is gone`];
    return digest(`${folder}/${file}`) === expected ? [] : [`${file} was released and must not change: make a new version of it`];
  });
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
