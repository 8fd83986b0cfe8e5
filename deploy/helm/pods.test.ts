import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, loadConfig, unknownVariables } from '@notion-mirror/service-kit/config';
import { variableEntries, type ServiceName } from '@notion-mirror/service-kit/variables';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { hasPods, matchLabelsOf, podOf, type KubernetesObject } from './testing/chart.ts';
import { componentOf, environmentOf, helm, mainContainer, ofKind, only, podsOfMatrix, render, renderWith } from './testing/rendered.ts';

const root = join(import.meta.dirname, '../..');

const readerOf = (object: KubernetesObject): ServiceName => {
  const component = componentOf(object);
  return component === 'ingress' || component === 'sync-worker' || component === 'delete-worker' || component === 'console'
    ? component
    : 'cli';
};

/** Which Secret and key each file of a pod is from. */
function filesOf(object: KubernetesObject): Readonly<Record<string, string>> {
  const source = z.object({ secret: z.object({ name: z.string(), items: z.array(z.object({ key: z.string(), path: z.string() })) }) });
  const sources = podOf(object).spec.volumes.flatMap(({ projected }) => z.array(source).parse(projected?.sources ?? []));
  return Object.fromEntries(sources.flatMap(({ secret: { name, items } }) => items.map(({ key, path }) => [path, `${name}/${key}`])));
}

function problemsOf(env: Readonly<Record<string, string>>, reader: ServiceName): readonly unknown[] {
  try {
    loadConfig(env, reader);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const strategies = (objects: readonly KubernetesObject[]) =>
  Object.fromEntries(
    ofKind(objects, 'Deployment').map((object) => [
      componentOf(object),
      [
        z.object({ strategy: z.object({ rollingUpdate: z.unknown() }) }).parse(object.spec).strategy.rollingUpdate,
        object.spec['minReadySeconds'],
      ],
    ]),
  );

const graces = (objects: readonly KubernetesObject[]) =>
  Object.fromEntries(
    ofKind(objects, 'Deployment').map((object) => [componentOf(object), podOf(object).spec.terminationGracePeriodSeconds]),
  );

const nameOfPlainJob = (values: object): string => only(renderWith({ ...values, init: { useHelmHooks: false } }), 'Job').metadata.name;

describe.skipIf('missing' in helm)('every pod', () => {
  test.each(podsOfMatrix)('is left alone by service links, and calls no API: %s', (_, object) => {
    const { enableServiceLinks, automountServiceAccountToken } = podOf(object).spec;
    expect({ enableServiceLinks, automountServiceAccountToken }).toEqual({
      enableServiceLinks: false,
      automountServiceAccountToken: false,
    });
  });

  test.each(podsOfMatrix)('fits the Pod Security Standard restricted: %s', (_, object) => {
    const { spec } = podOf(object);
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } });
    expect([spec['hostNetwork'], spec['hostPID'], spec['hostIPC']]).toEqual([undefined, undefined, undefined]);
    for (const { securityContext } of [...spec.containers, ...spec.initContainers])
      expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } });
    expect(mainContainer(object).securityContext).toMatchObject({ readOnlyRootFilesystem: true });
  });

  test.each(podsOfMatrix)('gets no variable that it does not read, and no secret as one: %s', (_, object) => {
    const reader = readerOf(object);
    const known = new Map<string, { readonly secret?: boolean | undefined; readonly usedBy: readonly ServiceName[] }>(variableEntries);
    const names = Object.keys(environmentOf(object)).filter((name) => name.startsWith('MIRROR_'));
    for (const name of names) {
      const definition = known.get(name) ?? known.get(name.replace(/_FILE$/, ''));
      expect([name, definition?.usedBy]).toEqual([name, expect.arrayContaining([reader])]);
      expect([name, known.get(name)?.secret === true]).toEqual([name, false]);
    }
    expect(new Set(names).size).toBe(mainContainer(object).env.filter(({ name }) => name.startsWith('MIRROR_')).length);
  });

  test.each(podsOfMatrix)('finds a file for each variable that names one: %s', (_, object) => {
    const paths = Object.entries(environmentOf(object)).filter(([name]) => name.startsWith('MIRROR_') && name.endsWith('_FILE'));
    expect(paths.map(([, path]) => path).toSorted()).toEqual(
      Object.keys(filesOf(object))
        .map((file) => `/etc/notion-mirror/${file}`)
        .toSorted(),
    );
    expect(paths.length).toBeGreaterThan(0);
  });

  test.each(podsOfMatrix.filter(([name]) => !name.includes('strimzi')))(
    'starts with a configuration that its process takes: %s',
    (_, object) => {
      const folder = mkdtempSync(join(tmpdir(), 'mirror-chart-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const contents: Readonly<Record<string, string>> = {
        MIRROR_MONGODB_URI: 'mongodb://mongodb/notion_mirror',
        MIRROR_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
        MIRROR_CONSOLE_TOKENS: `ann operator sha256:${'0'.repeat(64)}`,
        MIRROR_CONSOLE_SESSION_KEY: 'k'.repeat(32),
      };
      const env = Object.entries(environmentOf(object)).map(([name, value]): [string, string] => {
        if (!value.startsWith('/etc/notion-mirror/')) return [name, value];
        const variable = name.replace(/_FILE$/, '');
        const file = join(folder, variable);
        writeFileSync(file, contents[variable] ?? 'text');
        return [name, file];
      });
      expect(problemsOf(Object.fromEntries(env), readerOf(object))).toEqual([]);
      expect(unknownVariables(Object.fromEntries(env))).toEqual([]);
    },
  );

  test('runs as under Docker Compose', () => {
    const { services } = z
      .object({ services: z.record(z.string(), z.looseObject({})) })
      .parse(parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true, maxAliasCount: -1 }));
    for (const deployment of ofKind(render('minimal'), 'Deployment'))
      expect(mainContainer(deployment).command).toEqual(services[componentOf(deployment)]?.['command']);
  });

  test('of the services is found by whatever selects it, and no other is', () => {
    const objects = render('everything');
    const labels = new Map(objects.filter(hasPods).map((object) => [componentOf(object), podOf(object).metadata.labels]));
    const selected = (wanted: Readonly<Record<string, string>>): readonly string[] =>
      [...labels].flatMap(([component, own]) =>
        Object.entries(wanted).every(([label, value]) => own[label] === value) ? [component] : [],
      );
    const selectors = objects.flatMap((object): (readonly [string, unknown])[] => {
      const { kind, spec } = object;
      const name = `${kind} of ${componentOf(object)}`;
      if (kind === 'Deployment' || kind === 'PodDisruptionBudget') return [[name, spec['selector']]];
      if (kind === 'NetworkPolicy') return [[name, spec['podSelector']]];
      return kind === 'Service' ? [[name, { matchLabels: spec['selector'] }]] : [];
    });
    expect(selectors).toHaveLength(5 + 3 + 6 + 2);
    for (const [name, one] of selectors) expect([name, selected(matchLabelsOf(one))]).toEqual([name, [name.split(' of ')[1]]]);
  });
});

describe.skipIf('missing' in helm)('settings', () => {
  test('are what the values say, large numbers too, and a component may differ', () => {
    const [ingress, sync] = ['ingress', 'sync-worker'].map((name) => environmentOf(only(render('everything'), 'Deployment', name)));
    expect(sync).toMatchObject({
      MIRROR_ROWS_FLOOD_EVENTS: '1000000',
      MIRROR_ROWS: 'on',
      MIRROR_KAFKA_SSL: 'true',
      MIRROR_SHUTDOWN_SECONDS: '20.5',
      MIRROR_OPS_HOST: '0.0.0.0',
      MIRROR_OPS_PORT: '3101',
    });
    expect([ingress?.['MIRROR_LOG_LEVEL'], sync?.['MIRROR_LOG_LEVEL']]).toEqual(['debug', undefined]);
    expect([ingress?.['NODE_EXTRA_CA_CERTS'], sync?.['NODE_EXTRA_CA_CERTS']]).toEqual(['/etc/ca/ca.crt', undefined]);
  });

  test('that are secret come from the Secrets that the values name', () => {
    expect(filesOf(only(render('everything'), 'Deployment', 'ingress'))).toEqual({
      MIRROR_ENCRYPTION_KEY: 'mirror-secrets/MIRROR_ENCRYPTION_KEY',
      MIRROR_KAFKA_SASL_PASSWORD: 'kafka-user/password',
      MIRROR_MONGODB_URI: 'mongodb-ingress/uri',
      MIRROR_NANGO_SIGNING_KEYS: 'mirror-secrets/MIRROR_NANGO_SIGNING_KEYS',
      MIRROR_NOTION_VERIFICATION_TOKENS: 'mirror-secrets/notion-tokens',
      MIRROR_SCHEMA_REGISTRY_PASSWORD: 'mirror-secrets/MIRROR_SCHEMA_REGISTRY_PASSWORD',
    });
    expect(filesOf(only(render('everything'), 'Deployment', 'delete-worker'))).toMatchObject({
      MIRROR_MONGODB_URI: 'mirror-secrets/MIRROR_MONGODB_URI',
    });
  });

  test("of a KafkaUser are Strimzi's, for certificates and for passwords", () => {
    const sync = only(render('strimzi'), 'Deployment', 'sync-worker');
    expect(environmentOf(sync)).toMatchObject({
      MIRROR_KAFKA_SSL: 'true',
      MIRROR_KAFKA_SSL_CA_FILE: '/etc/notion-mirror/kafka-ca.crt',
      MIRROR_KAFKA_SSL_CERT_FILE: '/etc/notion-mirror/kafka-user.crt',
      MIRROR_KAFKA_SSL_KEY_FILE: '/etc/notion-mirror/kafka-user.key',
    });
    expect(filesOf(sync)).toMatchObject({
      'kafka-ca.crt': 'mirror-cluster-ca-cert/ca.crt',
      'kafka-user.crt': 'notion-mirror/user.crt',
      'kafka-user.key': 'notion-mirror/user.key',
    });
    expect(filesOf(only(render('strimzi'), 'Deployment', 'ingress'))).toMatchObject({ 'kafka-user.crt': 'notion-mirror-ingress/user.crt' });
    const remove = only(render('strimzi'), 'Deployment', 'delete-worker');
    expect(environmentOf(remove)).toMatchObject({
      MIRROR_KAFKA_SSL: 'true',
      MIRROR_KAFKA_SASL_MECHANISM: 'scram-sha-512',
      MIRROR_KAFKA_SASL_USERNAME: 'notion-mirror-delete-worker',
      MIRROR_KAFKA_SASL_PASSWORD_FILE: '/etc/notion-mirror/MIRROR_KAFKA_SASL_PASSWORD',
    });
    expect(environmentOf(remove)).not.toHaveProperty('MIRROR_KAFKA_SSL_CERT_FILE');
    expect(filesOf(remove)).toMatchObject({ MIRROR_KAFKA_SASL_PASSWORD: 'notion-mirror-delete-worker/password' });
  });
});

describe.skipIf('missing' in helm)('a rollout', () => {
  test('never has fewer ingress pods, and replaces workers a quarter at a time without more of them', () => {
    expect(strategies(render('minimal'))).toEqual({
      ingress: [{ maxSurge: 1, maxUnavailable: 0 }, 3],
      'sync-worker': [{ maxSurge: 0, maxUnavailable: '25%' }, 10],
      'delete-worker': [{ maxSurge: 0, maxUnavailable: '25%' }, 10],
    });
  });

  test('gives each pod the time that its process takes to stop', () => {
    expect(graces(render('minimal'))).toEqual({ ingress: 20, 'sync-worker': 12, 'delete-worker': 12 });
    expect(graces(render('everything'))).toEqual({ ingress: 33, 'sync-worker': 25, 'delete-worker': 25, console: 25, cli: 1 });
    expect(graces(renderWith({ syncWorker: { terminationGracePeriodSeconds: 60 } }))).toMatchObject({ ingress: 20, 'sync-worker': 60 });
  });

  test('does not replace pods for a new version of the chart alone', () => {
    for (const object of render('everything').filter(hasPods)) expect(podOf(object).metadata.labels).not.toHaveProperty('helm.sh/chart');
  });

  test('waits for what init makes, by a hook', () => {
    const { metadata, spec } = only(render('minimal'), 'Job');
    expect(metadata.annotations).toEqual({
      'helm.sh/hook': 'pre-install,pre-upgrade',
      'helm.sh/hook-delete-policy': 'before-hook-creation,hook-succeeded',
    });
    expect(spec).toMatchObject({ backoffLimit: 3, activeDeadlineSeconds: 600 });
  });

  test('without hooks has a Job of another name when it runs something else, and of the same name otherwise', () => {
    const name = nameOfPlainJob({});
    expect(name).toMatch(/^mirror-notion-mirror-init-[0-9a-f]{8}$/);
    expect(nameOfPlainJob({ syncWorker: { replicas: 5 } })).toBe(name);
    expect(nameOfPlainJob({ image: { tag: '9.9.9' } })).not.toBe(name);
    expect(nameOfPlainJob({ config: { MIRROR_KAFKA_PARTITIONS: 48 } })).not.toBe(name);
    expect(only(render('plain-init'), 'Job').metadata.annotations).toEqual({});
  });

  test('leaves the number of pods to whatever scales them', () => {
    const replicas = Object.fromEntries(ofKind(render('everything'), 'Deployment').map((one) => [componentOf(one), one.spec['replicas']]));
    expect(replicas).toEqual({ ingress: undefined, 'sync-worker': undefined, 'delete-worker': 2, console: 1, cli: 1 });
  });
});
