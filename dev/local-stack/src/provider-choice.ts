import type { Provider } from './provider.ts';
import { StackUnavailableError } from './stack-unavailable.ts';
import type { MissingTool } from './toolchain.ts';

/** Reads MIRROR_STACK. Throws when it is anything but docker or process. */
export function providerFromEnvironment(env: Readonly<Record<string, string | undefined>>): Provider | undefined {
  const value = env['MIRROR_STACK'];
  return value === undefined || value === '' ? undefined : parseProvider(value, 'MIRROR_STACK');
}

export function parseProvider(value: string, name: string): Provider {
  if (value === 'docker' || value === 'process') return value;
  throw new StackUnavailableError(`${name} is "${value}"; it can be docker or process.`);
}

/**
 * Which provider to use: Docker when an engine answers, since it needs nothing else and runs the production images; otherwise local
 * processes if this machine meets their requirements. `wanted` (from the user) is never replaced by the other one.
 * Throws StackUnavailableError.
 */
export function chooseProvider(facts: { wanted: Provider | undefined; dockerAnswers: boolean; missing: readonly MissingTool[] }): Provider {
  const { wanted, dockerAnswers, missing } = facts;
  if (dockerAnswers && wanted !== 'process') return 'docker';
  if (missing.length === 0 && wanted !== 'docker') return 'process';
  const reason =
    wanted === undefined
      ? 'needs one of these two, and this machine has neither'
      : `was asked for with the provider "${wanted}", which cannot run on this machine`;
  const ways = [...(wanted === 'process' ? [] : [dockerWay(dockerAnswers)]), ...(wanted === 'docker' ? [] : [processWay(missing)])];
  throw new StackUnavailableError(`The local stack (Kafka, schema registry, MongoDB) ${reason}:\n\n${ways.join('\n\n')}\n`);
}

/** The error for when Docker answers but an image is unavailable, and local processes cannot run either. */
export function noWayLeft(imageProblem: string, missing: readonly MissingTool[]): StackUnavailableError {
  return new StackUnavailableError(
    `The local stack (Kafka, schema registry, MongoDB) cannot start, in either of two ways:\n\n  Docker: ${imageProblem}\n\n${processWay(missing)}\n`,
  );
}

function dockerWay(answers: boolean): string {
  const state = answers ? 'an engine answers' : 'no engine answers within 2 seconds';
  return `  Docker: ${state}.\n    Install and start Docker Engine or Docker Desktop; \`docker info\` must work for your user.`;
}

function processWay(missing: readonly MissingTool[]): string {
  const lines = missing.map(({ name, found, remedy }) => `    - ${name}${found === null ? '' : ` (found: ${found})`}\n      ${remedy}`);
  return `  Local processes (MIRROR_STACK=process): missing on this machine\n${lines.join('\n')}`;
}
