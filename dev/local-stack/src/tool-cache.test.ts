import { mkdtemp, readdir, readFile, rm, utimes, mkdir, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheRootOf, installOnce, isCached, toolFolder } from './tool-cache.ts';

const tool = { name: 'kafka', version: '4.2.0', recipe: 'pom' };
let root = '';

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tool-cache-test-'));
});

afterEach(async () => {
  await rm(root, { recursive: true });
});

async function writeVersion(draft: string): Promise<void> {
  await writeFile(join(draft, 'VERSION'), '4.2.0');
}

describe('the tool cache', () => {
  test('is below XDG_CACHE_HOME, or ~/.cache', () => {
    expect(cacheRootOf({ XDG_CACHE_HOME: '/var/cache/me' })).toBe('/var/cache/me/notion-mirror');
    expect(cacheRootOf({ XDG_CACHE_HOME: 'not/absolute' })).toBe(join(homedir(), '.cache', 'notion-mirror'));
    expect(cacheRootOf({})).toBe(join(homedir(), '.cache', 'notion-mirror'));
  });

  test('builds a tool once', async () => {
    let built = 0;
    const build = async (draft: string) => {
      built += 1;
      await writeVersion(draft);
    };
    expect(isCached(root, tool)).toBe(false);
    const folder = await installOnce(root, tool, build);
    expect(await installOnce(root, tool, build)).toBe(folder);
    expect(built).toBe(1);
    expect(isCached(root, tool)).toBe(true);
    expect(await readFile(join(folder, 'VERSION'), 'utf8')).toBe('4.2.0');
  });

  test('another version or recipe gets another folder', () => {
    const folders = [tool, { ...tool, version: '4.3.0' }, { ...tool, recipe: 'another pom' }].map((one) => toolFolder(root, one));
    expect(new Set(folders).size).toBe(3);
  });

  test('leaves nothing behind when the build fails', async () => {
    const failing = installOnce(root, tool, async (draft) => {
      await writeVersion(draft);
      throw new Error('the wrong version');
    });
    await expect(failing).rejects.toThrow('the wrong version');
    expect(await readdir(root)).toEqual([]);
  });

  test('of two concurrent builds one wins, and both get a complete folder', async () => {
    const bothBuilt = Promise.withResolvers<void>();
    let built = 0;
    const build = async (draft: string) => {
      await writeVersion(draft);
      built += 1;
      if (built === 2) bothBuilt.resolve();
      await bothBuilt.promise;
    };
    const folders = await Promise.all([installOnce(root, tool, build), installOnce(root, tool, build)]);
    expect(folders[0]).toBe(folders[1]);
    expect(await readFile(join(folders[0], 'VERSION'), 'utf8')).toBe('4.2.0');
    expect(await readdir(root)).toHaveLength(1);
  });

  test('removes only drafts of installs that were killed days ago', async () => {
    await mkdir(join(root, '.draft-old'));
    await mkdir(join(root, '.draft-new'));
    const daysAgo = new Date(Date.now() - 3 * 24 * 60 * 60_000);
    await utimes(join(root, '.draft-old'), daysAgo, daysAgo);
    await installOnce(root, tool, writeVersion);
    expect((await readdir(root)).toSorted()).toEqual(['.draft-new', toolFolder('', tool)].toSorted());
  });
});
