// Builds the page into `dist`, unless the build there is of the same sources. Run as a process of its own: Vite needs more memory than the
// service that serves the folder.
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

const page = import.meta.dirname;
const dist = join(page, 'dist');
const stampFile = join(dist, 'build.json');

const build = sourcesHash();
if (builtBefore() === build) {
  console.log(`The page is built already (${relative(process.cwd(), dist)}, build ${build}).`);
} else {
  const started = performance.now();
  // Whatever the caller's is: a test runner's `test` would make it twice as large, and slow.
  process.env['NODE_ENV'] = 'production';
  const vite = await import('vite');
  await vite.build({ configFile: join(page, 'vite.config.ts'), logLevel: 'warn' });
  compress();
  // Last: a build that was interrupted has no stamp.
  writeFileSync(stampFile, `${JSON.stringify({ build })}\n`);
  console.log(
    `Built the page in ${((performance.now() - started) / 1000).toFixed(1)} s (${relative(process.cwd(), dist)}, build ${build}).`,
  );
}

/** Of everything that the build reads, the installed versions included. */
function sourcesHash(): string {
  const root = join(page, '..', '..', '..');
  const sources = globSync(['*.{ts,html,json,css}', '{pages,parts}/**/*.{ts,tsx,css}', '*.tsx'], { cwd: page })
    .filter((file) => !/\.test\.tsx?$/.test(file))
    .toSorted();
  const hash = createHash('sha256').update(readFileSync(join(root, 'pnpm-lock.yaml')));
  for (const file of sources) hash.update(`\n${file}\n`).update(readFileSync(join(page, file)));
  return hash.digest('hex').slice(0, 12);
}

function builtBefore(): string | null {
  if (!existsSync(stampFile)) return null;
  return (JSON.parse(readFileSync(stampFile, 'utf8')) as { readonly build: string }).build;
}

/** The server sends `x.gz` in place of `x` to clients that accept it. */
function compress(): void {
  for (const file of globSync('assets/*.{js,css}', { cwd: dist })) {
    const path = join(dist, file);
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
  }
}
