import { describe, expect, test } from 'vitest';
import { chooseProvider, noWayLeft, providerFromEnvironment } from './provider-choice.ts';

const oldJava = { name: 'Java 17 or newer', found: 'Java 11.0.2 (java)', remedy: 'apt install openjdk-17-jre-headless' };
const noMaven = { name: 'Maven', found: null, remedy: 'apt install maven' };

function messageOf(facts: Parameters<typeof chooseProvider>[0]): string {
  try {
    return `chose ${chooseProvider(facts)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('the choice of a provider', () => {
  test.for([
    { wanted: undefined, dockerAnswers: true, missing: [], chosen: 'docker' },
    { wanted: undefined, dockerAnswers: true, missing: [noMaven], chosen: 'docker' },
    { wanted: undefined, dockerAnswers: false, missing: [], chosen: 'process' },
    { wanted: 'process', dockerAnswers: true, missing: [], chosen: 'process' },
    { wanted: 'docker', dockerAnswers: true, missing: [], chosen: 'docker' },
  ] as const)('wanted $wanted, Docker $dockerAnswers, missing $missing.length: $chosen', ({ chosen, ...facts }) => {
    expect(chooseProvider(facts)).toBe(chosen);
  });

  test('with neither provider, the message names both, each missing tool, the version found, and how to install it', () => {
    const message = messageOf({ wanted: undefined, dockerAnswers: false, missing: [oldJava, noMaven] });
    expect(message).toContain('Docker: no engine answers');
    for (const part of [oldJava.name, oldJava.found, oldJava.remedy, noMaven.name, noMaven.remedy, 'MIRROR_STACK=process']) {
      expect(message).toContain(part);
    }
  });

  test('a requested provider is never replaced, and only its own requirements are named', () => {
    const docker = messageOf({ wanted: 'docker', dockerAnswers: false, missing: [] });
    expect(docker).toContain('no engine answers');
    expect(docker).not.toContain('Local processes');
    const local = messageOf({ wanted: 'process', dockerAnswers: true, missing: [noMaven] });
    expect(local).toContain('apt install maven');
    expect(local).not.toContain('Docker:');
  });

  test('when an image is unavailable and processes cannot run either, both reasons are given', () => {
    const { message } = noWayLeft('The image mongo:8.0 cannot be pulled: no such host', [noMaven]);
    expect(message).toContain('mongo:8.0');
    expect(message).toContain('apt install maven');
  });
});

describe('MIRROR_STACK', () => {
  test('is docker, process or nothing', () => {
    expect(providerFromEnvironment({ MIRROR_STACK: 'docker' })).toBe('docker');
    expect(providerFromEnvironment({ MIRROR_STACK: 'process' })).toBe('process');
    expect(providerFromEnvironment({ MIRROR_STACK: '' })).toBeUndefined();
    expect(providerFromEnvironment({})).toBeUndefined();
  });

  test('names the allowed values when it is invalid', () => {
    expect(() => providerFromEnvironment({ MIRROR_STACK: 'podman' })).toThrow('MIRROR_STACK is "podman"; it can be docker or process.');
  });
});
