import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runCommand, type CommandOptions } from './command.ts';
import { mavenGoal } from './maven.ts';
import type { CachedTool } from './tool-cache.ts';

const version = '3.0.9';
const archive = `apicurio-registry-app-${version}-all.tar.gz`;
const sha256 = '2b28181501a20cbf6efcd77f9b7153908fc01f3d3a7c32024c0bd9e1b04c8a43';

export const registryTool: CachedTool = { name: 'apicurio-registry', version, recipe: sha256 };

/** Fetches the registry (109 MB), checks the archive against the known checksum and unpacks it into `draft`. */
export async function fetchRegistry(draft: string, options: CommandOptions): Promise<void> {
  const artifact = `io.apicurio:apicurio-registry-app:${version}:tar.gz:all`;
  await runCommand('mvn', [...mavenGoal('copy'), `-Dartifact=${artifact}`, '-DoutputDirectory=.'], { ...options, cwd: draft });
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(draft, archive)), hash);
  const digest = hash.digest('hex');
  if (digest !== sha256) throw new Error(`The file fetched as ${artifact} has the checksum ${digest}, not ${sha256}.`);
  await runCommand('tar', ['--no-same-owner', '-xzf', archive], { cwd: draft, signal: options.signal });
  await rm(join(draft, archive));
}

export function registryJar(folder: string): string {
  return join(folder, `apicurio-registry-app-${version}-runner.jar`);
}
