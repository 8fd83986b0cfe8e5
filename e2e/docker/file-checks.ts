import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { variableEntries, variables, type ServiceName } from '@notion-mirror/service-kit/variables';
import type { ComposeProject } from './compose-project.ts';

interface ComposeModel {
  readonly services: Readonly<
    Record<
      string,
      { readonly environment?: Readonly<Record<string, string | null>>; readonly ports?: readonly { readonly host_ip?: string }[] }
    >
  >;
}

/** Set by docker-compose.yml or the image, or meant for servers outside it. */
const notForUsers = /^MIRROR_(KAFKA_(BROKERS|SSL|SSL_.*|SASL_.*)|SCHEMA_REGISTRY_.*|MONGODB_URI|HTTP_(HOST|PORT)|OPS_(HOST|PORT))$/;

/** Every service gets exactly the variables it reads, so no secret that it does not need. One of the demo need not get all of them. */
export async function everyServiceGetsWhatItReads(project: ComposeProject): Promise<void> {
  const { services } = await modelOf(project);
  const readers: readonly (readonly [service: string, reads: ServiceName])[] = [
    ['ingress', 'ingress'],
    ['sync-worker', 'sync-worker'],
    ['delete-worker', 'delete-worker'],
    ['init', 'cli'],
    ['mirror', 'cli'],
  ];
  for (const [service, reads] of readers) {
    const given = Object.keys(services[service]?.environment ?? {}).filter((name) => !notForUsers.test(name));
    const read = variableEntries.flatMap(([name, { usedBy }]) => (usedBy.includes(reads) && !notForUsers.test(name) ? [name] : []));
    assert.deepEqual(given.toSorted(), read.toSorted(), `${service} in docker-compose.yml and the variables of ${reads}`);
  }
  const demoReaders: typeof readers = [...readers.slice(0, 4), ['connections', 'cli']];
  for (const [service, reads] of demoReaders) {
    const given = Object.keys(services[`demo-${service}`]?.environment ?? {});
    assert.ok(given.length > 0);
    const others = variableEntries.flatMap(([name, { usedBy }]) => (given.includes(name) && !usedBy.includes(reads) ? [name] : []));
    assert.deepEqual(others, [], `demo-${service} in docker-compose.yml and the variables of ${reads}`);
  }
}

/** A variable in .env.example that no process reads would have no effect. */
export async function everyExampleSettingExists(root: string): Promise<void> {
  const example = await readFile(join(root, '.env.example'), 'utf8');
  const compose = await readFile(join(root, 'docker-compose.yml'), 'utf8');
  const names = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name = '']) => name);
  assert.ok(names.length > 0);
  const unknown = names.filter((name) => !(name in variables) && !compose.includes(`\${${name}:-`));
  assert.deepEqual(unknown, []);
}

/** As shipped, no port is reachable from another machine. */
export async function everyPortIsOnLoopback(project: ComposeProject): Promise<string> {
  const { services } = await modelOf(project);
  const ports = Object.values(services).flatMap((service) => service.ports ?? []);
  assert.ok(ports.length > 0);
  assert.deepEqual([...new Set(ports.map((port) => port.host_ip))], ['127.0.0.1']);
  return `${ports.length} ports`;
}

/** Keys that are public in this repository open nothing but the demo. */
export async function theDemoKeepsItsKeys(project: ComposeProject): Promise<void> {
  const { services } = await modelOf(project);
  const holders = Object.entries(services).filter(([, { environment = {} }]) =>
    Object.values(environment).some((value) => value?.startsWith('demo-') === true),
  );
  assert.ok(holders.length > 0);
  assert.deepEqual(
    holders.map(([name]) => name).filter((name) => !name.startsWith('demo-')),
    [],
  );
}

async function modelOf(project: ComposeProject): Promise<ComposeModel> {
  return JSON.parse(await project.compose(['--profile', '*', 'config', '--format', 'json'])) as ComposeModel;
}
