import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** `$XDG_CACHE_HOME/notion-mirror`, or `~/.cache/notion-mirror`: what is downloaded once and used by every checkout. */
export function cacheRootOf(env: Readonly<Record<string, string | undefined>>): string {
  const xdg = env['XDG_CACHE_HOME'];
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'notion-mirror');
}

/** A thing in the cache. `recipe` is everything that decides its content: another recipe is another folder. */
export type CachedTool = { name: string; version: string; recipe: string };

export function toolFolder(cacheRoot: string, tool: CachedTool): string {
  const recipe = createHash('sha256').update(tool.recipe).digest('hex').slice(0, 8);
  return join(cacheRoot, `${tool.name}-${tool.version}-${recipe}`);
}

export function isCached(cacheRoot: string, tool: CachedTool): boolean {
  return existsSync(toolFolder(cacheRoot, tool));
}

/**
 * The folder of a tool, built by `build(draftFolder)` when it is not there yet. `build` must throw when what it made does not work.
 * A folder appears under its name only when complete (it is renamed): a crash leaves nothing half-made, and of two processes
 * that build at once one wins and the other uses what it finds.
 */
export async function installOnce(cacheRoot: string, tool: CachedTool, build: (draft: string) => Promise<void>): Promise<string> {
  const folder = toolFolder(cacheRoot, tool);
  if (existsSync(folder)) return folder;
  await mkdir(cacheRoot, { recursive: true });
  await removeOldDrafts(cacheRoot);
  const draft = await mkdtemp(join(cacheRoot, `${draftPrefix}${tool.name}-`));
  try {
    await build(draft);
    await rename(draft, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

const draftPrefix = '.draft-';
const oldMs = 24 * 60 * 60_000;

/** Drafts of installs that were killed. */
async function removeOldDrafts(cacheRoot: string): Promise<void> {
  for (const entry of await readdir(cacheRoot)) {
    if (!entry.startsWith(draftPrefix)) continue;
    const path = join(cacheRoot, entry);
    const made = await stat(path).catch(() => null);
    if (made && Date.now() - made.mtimeMs > oldMs) await rm(path, { recursive: true, force: true });
  }
}
