import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, type CommandOptions } from './command.ts';

/**
 * The arguments that run one goal of Maven's dependency plugin, non-interactively and with enforced checksums.
 * 2.10, because newer versions require the parent pom of an artifact that is only copied, and Apicurio's does not resolve. Works with Maven 3.8 to 4.0.
 */
export function mavenGoal(goal: 'copy' | 'copy-dependencies'): string[] {
  return ['--batch-mode', '--strict-checksums', `org.apache.maven.plugins:maven-dependency-plugin:2.10:${goal}`];
}

/** Fetches the transitive dependencies of `pom` into `lib` of the folder. Throws when Maven fails. */
export async function fetchJars(folder: string, pom: string, options: CommandOptions = {}): Promise<void> {
  await writeFile(join(folder, 'pom.xml'), pom);
  await runCommand('mvn', [...mavenGoal('copy-dependencies'), '-DoutputDirectory=lib', '-DincludeScope=runtime'], {
    ...options,
    cwd: folder,
  });
}

/** Adds up Maven's "Downloaded from central: … (5.1 MB at 3.0 MB/s)" lines. Returns the progress text after each; null for other lines. */
export function createMavenProgress(): (line: string) => string | null {
  let files = 0;
  let bytes = 0;
  return (line) => {
    const size = /^\[INFO\] Downloaded from .*\((?<amount>[\d.]+) (?<unit>B|kB|MB|GB) at /.exec(line)?.groups;
    if (!size) return null;
    files += 1;
    bytes += Number(size['amount']) * (unitBytes[size['unit'] ?? 'B'] ?? 1);
    return `${files} files, ${(bytes / 1e6).toFixed(1)} MB`;
  };
}

const unitBytes: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };
