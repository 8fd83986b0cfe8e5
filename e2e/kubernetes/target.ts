import { runCommand } from '@notion-mirror/local-stack/command';
import { canListen } from '@notion-mirror/local-stack/ports';
import { z } from 'zod';

/** A cluster that the current context of `kubectl` names, and which the check may use. */
export interface Target {
  readonly context: string;
  readonly version: string;
  /** The address of this machine for pods. */
  readonly host: string;
  readonly nodes: number;
  /** An image that the cluster has or can pull; null: it is to be built. */
  readonly image: string | null;
  /** The beginning of a command line that brings an image of this machine's Docker into the cluster; null: none is known. */
  readonly load: string | null;
  /** An older version, which is installed first and upgraded while customers work; null: there is none to upgrade from. */
  readonly old: OldVersion | null;
}

export interface OldVersion {
  /** A folder, or a package of one. */
  readonly chart: string;
  /** An image that the cluster has or can pull. */
  readonly image: string;
}

/** Why the check cannot run here. */
export interface Unavailable {
  readonly missing: string;
}

const nodesSchema = z.object({
  items: z.array(z.object({ status: z.object({ addresses: z.array(z.object({ type: z.string(), address: z.string() })) }) })),
});
const versionSchema = z.object({ serverVersion: z.object({ gitVersion: z.string() }) });
const askMs = 20_000;

/** Only what a check needs that runs servers and emulators on this machine: pods reach this machine, and this machine reaches addresses of Services. */
export async function findTarget(env: Readonly<Record<string, string | undefined>>): Promise<Target | Unavailable> {
  const old = oldVersionIn(env);
  try {
    await runCommand('helm', ['version', '--short']);
    const context = (await ask('config', 'current-context')).trim();
    const { serverVersion } = versionSchema.parse(JSON.parse(await ask('version', '-o', 'json')));
    const { items } = nodesSchema.parse(JSON.parse(await ask('get', 'nodes', '-o', 'json')));
    const host = env['MIRROR_TEST_HOST'] ?? (await ownAddress(items.flatMap(({ status }) => status.addresses)));
    if (host === undefined) {
      return { missing: 'no node of the cluster is this machine: set MIRROR_TEST_HOST to an address at which pods reach this machine' };
    }
    return {
      context,
      version: serverVersion.gitVersion,
      host,
      nodes: items.length,
      image: env['MIRROR_TEST_IMAGE'] ?? null,
      load: env['MIRROR_TEST_LOAD_IMAGE'] ?? loaderOf(context),
      old,
    };
  } catch (error) {
    return { missing: error instanceof Error ? error.message : String(error) };
  }
}

function oldVersionIn({ MIRROR_TEST_OLD_CHART: chart, MIRROR_TEST_OLD_IMAGE: image }: Parameters<typeof findTarget>[0]): OldVersion | null {
  if (chart !== undefined && image !== undefined) return { chart, image };
  if (chart === undefined && image === undefined) return null;
  throw new Error('MIRROR_TEST_OLD_CHART and MIRROR_TEST_OLD_IMAGE belong together: set both, or neither');
}

function ask(...args: string[]): Promise<string> {
  return runCommand('kubectl', args, { signal: AbortSignal.timeout(askMs) });
}

/** The list of interfaces does not help: it omits a bridge that no pod uses. */
async function ownAddress(addresses: readonly { readonly address: string }[]): Promise<string | undefined> {
  for (const { address } of addresses) if (await canListen(address, 0)) return address;
  return undefined;
}

function loaderOf(context: string): string | null {
  if (context.startsWith('kind-')) return `kind load docker-image --name ${context.slice('kind-'.length)}`;
  return context === 'minikube' ? 'minikube image load' : null;
}
