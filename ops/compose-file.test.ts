import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { variableEntries, variables, type ServiceName } from '@notion-mirror/service-kit/variables';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
const withDefaults = text.replaceAll(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');

const { services } = z
  .object({
    services: z.record(
      z.string(),
      z.object({
        environment: z.record(z.string(), z.union([z.string(), z.number()]).nullable()).default({}),
        ports: z.array(z.string()).default([]),
      }),
    ),
  })
  .parse(parse(withDefaults, { merge: true, maxAliasCount: -1 }));

const everyService = Object.entries(services);

/** Set by docker-compose.yml or the image, meant for servers outside it, or variables of OpenTelemetry, which every service reads. */
const notForUsers =
  /^OTEL_|^MIRROR_(KAFKA_(BROKERS|SSL|SSL_.*|SASL_.*)|SCHEMA_REGISTRY_.*|MONGODB_URI|HTTP_(HOST|PORT)|OPS_(HOST|PORT)|CONSOLE_(HOST|PORT|PAGE))$/;

const readers: readonly { readonly service: string; readonly reads: ServiceName }[] = [
  { service: 'ingress', reads: 'ingress' },
  { service: 'sync-worker', reads: 'sync-worker' },
  { service: 'delete-worker', reads: 'delete-worker' },
  { service: 'console', reads: 'console' },
  { service: 'init', reads: 'cli' },
  { service: 'mirror', reads: 'cli' },
];

test.each(readers)('$service gets exactly the variables that $reads reads, so no secret that it does not need', ({ service, reads }) => {
  const given = Object.keys(services[service]?.environment ?? {}).filter((name) => !notForUsers.test(name));
  const read = variableEntries.flatMap(([name, { usedBy }]) => (usedBy.includes(reads) && !notForUsers.test(name) ? [name] : []));
  expect(given.toSorted()).toEqual(read.toSorted());
});

// The defaults are enough for the demo, so its services need not get all that they could read.
const demoReaders = [...readers.filter(({ service }) => service !== 'mirror'), { service: 'connections', reads: 'cli' as const }];

test.each(demoReaders)('demo-$service gets no variable that $reads does not read', ({ service, reads }) => {
  const given = Object.keys(services[`demo-${service}`]?.environment ?? {});
  expect(given).not.toEqual([]);
  expect(variableEntries.flatMap(([name, { usedBy }]) => (given.includes(name) && !usedBy.includes(reads) ? [name] : []))).toEqual([]);
});

test('only the demo has the public keys of the demo', () => {
  const holders = everyService.filter(([, { environment }]) =>
    Object.values(environment).some((value) => String(value).startsWith('demo-')),
  );
  expect(holders).not.toEqual([]);
  expect(holders.map(([name]) => name).filter((name) => !name.startsWith('demo-'))).toEqual([]);
});

test('as shipped, every port is on the loopback address', () => {
  const ports = everyService.flatMap(([, service]) => service.ports);
  expect(ports).not.toEqual([]);
  expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
});

test('every setting of .env.example exists', () => {
  const names = [...readFileSync(join(root, '.env.example'), 'utf8').matchAll(/^([A-Z_]+)=/gm)].map(([, name = '']) => name);
  expect(names).not.toEqual([]);
  expect(names.filter((name) => !(name in variables) && !text.includes(`\${${name}:-`))).toEqual([]);
});
