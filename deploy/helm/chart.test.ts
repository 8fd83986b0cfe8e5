import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { chartFolder, fileOf, objectsIn, runHelm, withValues } from './testing/chart.ts';
import { createObjectCheck } from './testing/kubernetes-schemas.ts';
import { helm, helmPath, matrix, ofKind, only, render, template } from './testing/rendered.ts';
import { findKubernetesSchemas, kubernetesVersions, pathOf } from './testing/tools.ts';

const root = join(import.meta.dirname, '../..');
const schemas = await findKubernetesSchemas();
if ('missing' in schemas) console.warn(`rendered objects are not checked against Kubernetes' schemas: ${schemas.missing}`);

/** Why Helm refuses the least values together with these. */
function refusal(values: unknown, ...args: readonly string[]): string {
  const { ok, stderr } = withValues(values, (file) => template([fileOf('minimal'), file], ...args));
  return ok ? 'accepted' : stderr;
}

describe.skipIf('missing' in helm)('the chart', () => {
  test.each(matrix)('passes the linter: %s', (values) => {
    const { ok, stdout } = runHelm(helmPath, ['lint', '--strict', chartFolder, '--values', fileOf(values)]);
    expect({ ok, stdout }).toMatchObject({ ok: true });
  });

  test('can be packaged, and its package renders the same', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mirror-chart-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    expect(runHelm(helmPath, ['package', chartFolder, '--destination', folder]).ok).toBe(true);
    const source = join(folder, 'notion-mirror-0.1.0.tgz');
    const { stdout } = runHelm(helmPath, ['template', 'mirror', source, '--namespace', 'notion', '--values', fileOf('everything')]);
    expect(objectsIn(stdout)).toEqual(render('everything'));
  });

  test('can be part of another chart, which has global values', () => {
    const folder = mkdtempSync(join(tmpdir(), 'mirror-chart-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    mkdirSync(join(folder, 'charts'));
    cpSync(chartFolder, join(folder, 'charts/notion-mirror'), { recursive: true });
    writeFileSync(join(folder, 'Chart.yaml'), stringify({ apiVersion: 'v2', name: 'parent', version: '1.0.0' }));
    const minimal: unknown = parse(readFileSync(fileOf('minimal'), 'utf8'));
    writeFileSync(join(folder, 'values.yaml'), stringify({ global: { region: 'eu' }, 'notion-mirror': minimal }));
    const { ok, stdout, stderr } = runHelm(helmPath, ['template', 'mirror', folder]);
    expect({ ok, stderr }).toMatchObject({ ok: true });
    expect(ofKind(objectsIn(stdout), 'Deployment')).toHaveLength(3);
  });

  test('is for Kubernetes 1.30 and newer', () => {
    expect(template([fileOf('minimal')], '--kube-version', '1.29.9').stderr).toContain('requires kubeVersion');
    expect(template([fileOf('minimal')], '--kube-version', '1.30.0').ok).toBe(true);
  });

  test('has names that Kubernetes takes, whatever the name of the release', () => {
    const release = 'a-release-whose-name-has-fifty-three-characters-as-ok';
    const { stdout } = runHelm(helmPath, ['template', release, chartFolder, '--values', fileOf('plain-init'), '--set', 'cli.enabled=true']);
    const names = objectsIn(stdout).map(({ metadata }) => metadata.name);
    expect(names.length).toBeGreaterThan(6);
    for (const name of names) expect(name).toMatch(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  });

  test('can be installed twice in one namespace', () => {
    const [one, other] = ['one', 'other'].map((release) => {
      const values = withValues({ fullnameOverride: '' }, (file) =>
        runHelm(helmPath, ['template', release, chartFolder, '--values', fileOf('everything'), '--values', file]),
      );
      return objectsIn(values.stdout).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    });
    expect(one!.filter((name) => other!.includes(name))).toEqual(['ConfigMap extra-text']);
  });
});

describe.skipIf('missing' in helm)('docs/kubernetes.md', () => {
  const page = readFileSync(join(root, 'docs/kubernetes.md'), 'utf8');
  const examples = [...page.matchAll(/```yaml\n# values\.yaml\n([\s\S]*?)```/g)].map(([, yaml = '']): unknown => parse(yaml));

  test('has values that the chart takes', () => {
    expect(examples.length).toBeGreaterThan(3);
    for (const values of examples) expect(refusal(values)).toBe('accepted');
  });

  test('names objects and values that exist', () => {
    const { stdout } = withValues(examples[0], (file) => runHelm(helmPath, ['template', 'notion-mirror', chartFolder, '--values', file]));
    const deployments = ofKind(objectsIn(stdout), 'Deployment').map(({ metadata }) => metadata.name);
    for (const [, name = ''] of page.matchAll(/deploy\/(notion-mirror-[a-z-]+)/g)) expect(deployments).toContain(name);
  });
});

describe.skipIf('missing' in helm)('Helm refuses', () => {
  test.each<[string, unknown, string]>([
    ['a misspelt value', { syncWorker: { replica: 3 } }, "additional properties 'replica' not allowed"],
    [
      'a setting that does not exist',
      { config: { MIRROR_KAFKA_BROKER: 'a:1' } },
      "additional properties 'MIRROR_KAFKA_BROKER' not allowed",
    ],
    [
      'a secret among the settings',
      { config: { MIRROR_NANGO_API_KEY: 'secret' } },
      "additional properties 'MIRROR_NANGO_API_KEY' not allowed",
    ],
    ['a port, which probes and Services name', { config: { MIRROR_OPS_PORT: 1 } }, "additional properties 'MIRROR_OPS_PORT' not allowed"],
    ['a setting that the component does not read', { deleteWorker: { config: { MIRROR_NANGO_URL: 'https://a' } } }, 'MIRROR_NANGO_URL'],
    ['a secret that does not exist', { secrets: { MIRROR_NANGO_KEY: {} } }, "additional properties 'MIRROR_NANGO_KEY' not allowed"],
    ['a setting that its variable does not take', { config: { MIRROR_LOG_LEVEL: 'verbose' } }, 'value must be one of'],
    ['an unquoted on, which is true', { config: { MIRROR_ROWS: true } }, "at '/config/MIRROR_ROWS'"],
    ['more workers than partitions', { syncWorker: { keda: { enabled: true, maxReplicaCount: 97 } } }, 'the log has 96 partitions'],
    ['secrets that are nowhere', { existingSecret: '' }, 'names no Secret'],
    ['a public route without a host', { ingress: { route: { enabled: true } } }, 'ingress.route.host is needed'],
  ])('%s', (_, values, message) => {
    expect(refusal(values)).toContain(message);
  });

  test('values without brokers or registry', () => {
    expect(runHelm(helmPath, ['template', 'mirror', chartFolder]).stderr).toContain(
      "missing properties 'MIRROR_KAFKA_BROKERS', 'MIRROR_SCHEMA_REGISTRY_URL'",
    );
  });

  test('nothing that is right', () => {
    expect(refusal({ syncWorker: { keda: { enabled: true, maxReplicaCount: 24 } } })).toBe('accepted');
    expect(refusal({ secrets: { MIRROR_NANGO_API_KEY: null }, init: { enabled: false } })).toBe('accepted');
  });
});

describe.skipIf('missing' in helm || 'missing' in schemas)('a strict API server', () => {
  const custom = new Set(['PodMonitor', 'PrometheusRule', 'ScaledObject', 'KafkaTopic']);
  test.each(kubernetesVersions)('of version %s takes every object', (version) => {
    const check = createObjectCheck(pathOf(schemas), version);
    const problems = matrix.flatMap((values) =>
      render(values).flatMap((object) => {
        const found = check(object) ?? (custom.has(object.kind) ? [] : ['is of an unknown kind']);
        return found.map((problem) => `${values}: ${object.kind} ${object.metadata.name} ${problem}`);
      }),
    );
    expect(problems).toEqual([]);
    const deployment = only(render('minimal'), 'Deployment', 'ingress');
    expect(check({ ...deployment, source: { ...deployment.source, sidecars: [] } })).not.toEqual([]);
    expect(check({ ...deployment, source: { ...deployment.source, spec: { ...deployment.spec, replicas: 'two' } } })).not.toEqual([]);
  });
});
