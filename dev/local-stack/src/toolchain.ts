import { join } from 'node:path';
import { runCommand } from './command.ts';

export type Java = { command: string; version: string };

/** A program that local processes need and this machine lacks. `found`: an unsuitable version found instead, if any. */
export type MissingTool = { name: string; found: string | null; remedy: string };

type Environment = Readonly<Record<string, string | undefined>>;

const oldestJava = 17;

/** The Java in JAVA_HOME, otherwise on the PATH. Kafka 4 and the registry need 17 or newer. */
export async function findJava(env: Environment): Promise<Java | MissingTool> {
  const command = env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';
  const output = await runCommand(command, ['-version']).catch(() => '');
  const java = parseJavaVersion(output);
  if (java && java.major >= oldestJava) return { command, version: java.build };
  return {
    name: `Java ${oldestJava} or newer`,
    found: java ? `Java ${java.build} (${command})` : null,
    remedy:
      'Debian/Ubuntu: apt install openjdk-17-jre-headless · Fedora: dnf install java-21-openjdk-headless · macOS: brew install openjdk@21',
  };
}

/** Parses the output of `java -version`: `17.0.15+6-Debian-1` is major 17 (and `1.8.0_292` is 8). */
export function parseJavaVersion(output: string): { major: number; build: string } | null {
  const version = /version "(?<version>(?<first>\d+)(?:\.(?<second>\d+))?[^"]*)"/.exec(output)?.groups;
  if (!version) return null;
  const first = Number(version['first']);
  const build = /Runtime Environment.*?\(build (?<build>[^,)]+)/.exec(output)?.groups?.['build'] ?? version['version'] ?? '';
  return { major: first === 1 ? Number(version['second']) : first, build };
}

export async function findMaven(): Promise<MissingTool | null> {
  if (await answers('mvn', ['--version'])) return null;
  return {
    name: 'Maven',
    found: null,
    remedy: 'Debian/Ubuntu: apt install maven · Fedora: dnf install maven · macOS: brew install maven',
  };
}

export async function findPip(): Promise<MissingTool | null> {
  if (await answers('python3', ['-m', 'pip', '--version'])) return null;
  const python = await answers('python3', ['--version']);
  return {
    name: 'pip for Python 3',
    found: python ? 'python3 without pip' : null,
    remedy: 'Debian/Ubuntu: apt install python3-pip · Fedora: dnf install python3-pip',
  };
}

/** Looks for an installed mongod, used where no prebuilt one can be fetched (anything but Linux on x86-64). */
export async function findMongod(): Promise<MissingTool | null> {
  if (await answers('mongod', ['--version'])) return null;
  return {
    name: 'mongod (MongoDB 6 or newer) on the PATH',
    found: null,
    remedy: 'fetched automatically on Linux x86-64 only; macOS: brew tap mongodb/brew && brew install mongodb-community',
  };
}

async function answers(command: string, args: readonly string[]): Promise<boolean> {
  return runCommand(command, args).then(
    () => true,
    () => false,
  );
}
