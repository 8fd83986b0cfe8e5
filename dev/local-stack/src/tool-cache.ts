import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** `$XDG_CACHE_HOME/notion-mirror`, or `~/.cache/notion-mirror`: downloads shared by every checkout. */
export function cacheRootOf(env: Readonly<Record<string, string | undefined>>): string {
  const xdg = env['XDG_CACHE_HOME'];
  return join(xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache'), 'notion-mirror');
}

/** A tool in the cache. `recipe` is everything that determines its content: another recipe gets another folder. */
export type CachedTool = { name: string; version: string; recipe: string };

export function toolFolder(cacheRoot: string, tool: CachedTool): string {
  const recipe = createHash('sha256').update(tool.recipe).digest('hex').slice(0, 8);
  return join(cacheRoot, `${tool.name}-${tool.version}-${recipe}`);
}

export function isCached(cacheRoot: string, tool: CachedTool): boolean {
  return existsSync(toolFolder(cacheRoot, tool));
}

/**
 * The folder of a tool, built by `build(draftFolder)` when it does not exist. `build` must throw when its result does not work.
 * A folder is renamed into place only when complete: a crash leaves nothing partial, and of two concurrent builds one wins and the
 * other uses its result.
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

/** Removes drafts of killed installs. */
async function removeOldDrafts(cacheRoot: string): Promise<void> {
  for (const entry of await readdir(cacheRoot)) {
    if (!entry.startsWith(draftPrefix)) continue;
    const path = join(cacheRoot, entry);
    const made = await stat(path).catch(() => null);
    if (made && Date.now() - made.mtimeMs > oldMs) await rm(path, { recursive: true, force: true });
  }
}
