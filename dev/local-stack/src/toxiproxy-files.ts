import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, type CommandOptions } from './command.ts';
import { StackUnavailableError } from './stack-unavailable.ts';
import { installOnce, isCached, toolFolder, type CachedTool } from './tool-cache.ts';

const version = '2.12.0';
const source = `github.com/Shopify/toxiproxy/v2/cmd/server@v${version}`;

const toxiproxyTool: CachedTool = { name: 'toxiproxy', version, recipe: source };

/** The toxiproxy server, built with Go when it is not in the cache. Throws StackUnavailableError. */
export async function toxiproxyCommand(cacheRoot: string, options: CommandOptions): Promise<string> {
  if (isCached(cacheRoot, toxiproxyTool)) return binary(toolFolder(cacheRoot, toxiproxyTool));
  const found = await runCommand('go', ['version'], options).catch(() => null);
  if (found === null) {
    const remedy = 'Debian/Ubuntu: apt install golang · Fedora: dnf install golang · macOS: brew install go';
    throw new StackUnavailableError(`A cluster for fault tests needs toxiproxy, which is built with Go. Go is missing: ${remedy}`);
  }
  try {
    const folder = await installOnce(cacheRoot, toxiproxyTool, async (draft) => {
      await runCommand('go', ['install', source], { ...options, env: { GOBIN: draft, GOFLAGS: '' } });
      await rename(join(draft, 'server'), binary(draft));
    });
    return binary(folder);
  } catch (cause) {
    if (options.signal?.aborted === true) throw cause;
    throw new StackUnavailableError(`Building toxiproxy failed. ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

function binary(folder: string): string {
  return join(folder, 'toxiproxy-server');
}
