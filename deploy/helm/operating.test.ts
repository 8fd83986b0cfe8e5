import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { withValues } from './testing/chart.ts';
import { isPromQl } from './testing/promql.ts';
import { helm, ofKind, only, render } from './testing/rendered.ts';
import { findPromtool, pathOf } from './testing/tools.ts';

const root = join(import.meta.dirname, '../..');
const promtool = await findPromtool();
if ('missing' in promtool) console.warn(`types in the alerts of the Helm chart are not checked: ${promtool.missing}`);

const portsOf = (component: string): readonly (readonly unknown[])[] => {
  const rule = z.array(z.object({ ports: z.array(z.object({ port: z.unknown() })).default([]) }));
  const { egress } = z.object({ egress: rule }).parse(only(render('everything'), 'NetworkPolicy', component).spec);
  return egress.map(({ ports }) => ports.map(({ port }) => port));
};

test.skipIf('missing' in helm)('KEDA scales by lag, by what more workers would help with, and by sweeps', () => {
  const { spec } = only(render('everything'), 'ScaledObject');
  const matchers = '{namespace="notion",release="mirror",service="sync-worker"}';
  expect(spec).toEqual({
    scaleTargetRef: { name: 'everything-sync-worker' },
    minReplicaCount: 3,
    maxReplicaCount: 48,
    pollingInterval: 30,
    fallback: { failureThreshold: 3, replicas: 3, behavior: 'currentReplicasIfHigher' },
    advanced: {
      horizontalPodAutoscalerConfig: {
        behavior: expect.objectContaining({ scaleDown: expect.objectContaining({ stabilizationWindowSeconds: 600 }) }),
      },
    },
    triggers: [
      {
        type: 'kafka',
        metadata: {
          bootstrapServers: 'kafka-1.example.com:9092,kafka-2.example.com:19092',
          consumerGroup: 'prod.notion-mirror.sync-worker',
          topic: 'prod.notion.database-events',
          lagThreshold: '2000',
          limitToPartitionsWithLag: 'true',
        },
        authenticationRef: { name: 'kafka' },
      },
      {
        type: 'prometheus',
        metadata: {
          serverAddress: 'http://prometheus.monitoring:9090',
          query: `sum(min_over_time(notion_mirror_consumer_runnable_records${matchers}[2m]))`,
          threshold: '500',
        },
      },
      {
        type: 'prometheus',
        metricType: 'Value',
        metadata: {
          serverAddress: 'http://prometheus.monitoring:9090',
          query: `max(notion_mirror_sweep_oldest_seconds${matchers})`,
          threshold: '64800',
        },
      },
    ],
  });
});

describe.skipIf('missing' in helm)('a network policy', () => {
  test('lets each pod reach its servers, and only the sync-worker and the operator the internet', () => {
    const servers = [9092, 19_092, 27_017, 8443];
    expect(portsOf('ingress')).toEqual([[53, 53], servers, []]);
    expect(portsOf('delete-worker')).toEqual([[53, 53], servers, []]);
    expect(portsOf('init')).toEqual([[53, 53], servers, []]);
    expect(portsOf('sync-worker')).toEqual([[53, 53], [...servers, 443], []]);
    expect(portsOf('cli')).toEqual([[53, 53], [...servers, 443], []]);
  });

  test('lets only the monitoring read metrics, and nothing reach a pod without a port', () => {
    const monitoring = [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }];
    const [http, ops] = z.array(z.looseObject({})).parse(only(render('everything'), 'NetworkPolicy', 'ingress').spec['ingress']);
    expect(http).toMatchObject({ ports: [{ port: 'http' }], from: [{ namespaceSelector: {} }] });
    expect(ops).toMatchObject({ ports: [{ port: 'ops' }], from: monitoring });
    expect(only(render('everything'), 'NetworkPolicy', 'sync-worker').spec['ingress']).toEqual([
      { ports: [{ protocol: 'TCP', port: 'ops' }], from: monitoring },
    ]);
    expect(only(render('everything'), 'NetworkPolicy', 'cli').spec['ingress']).toEqual([]);
  });
});

describe.skipIf('missing' in helm)('monitoring', () => {
  const rule = z.looseObject({
    alert: z.string(),
    expr: z.string(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
  });
  const groups = z.object({ groups: z.array(z.looseObject({ rules: z.array(rule) })) });
  const ours = groups.parse(parse(readFileSync(join(root, 'ops/prometheus/alerts.yml'), 'utf8'))).groups.flatMap(({ rules }) => rules);
  const rulesIn = () => groups.parse(only(render('everything'), 'PrometheusRule').spec).groups.flatMap(({ rules }) => rules);

  test('has every alert of ops, about this release only', () => {
    expect(rulesIn().map(({ alert }) => alert)).toEqual(ours.map(({ alert }) => alert));
    for (const { alert, expr, labels, annotations } of rulesIn()) {
      const metrics = [...expr.matchAll(/notion_mirror_\w+(\{[^}]*\})?/g)].map(([, selector]) => selector);
      expect(metrics.length).toBeGreaterThan(0);
      for (const selector of metrics)
        expect([alert, selector]).toEqual([alert, expect.stringMatching(/^\{namespace="notion",release="mirror"[,}]/)]);
      expect(labels).toMatchObject({ namespace: 'notion', release: 'mirror', severity: expect.any(String) });
      expect(annotations['runbook_url']).toMatch(/^https:\/\/docs\.example\.com\/mirror\/docs\/runbooks\/mirror-[a-z-]+\.md$/);
      const wanted = ours.find((one) => one.alert === alert);
      expect(expr.replaceAll(/namespace="notion",release="mirror",?/g, '').replaceAll('{}', '')).toBe(wanted?.expr);
      expect(annotations['summary']).toBe(wanted?.annotations['summary']);
    }
  });

  test('has alerts in the grammar of Prometheus', () => {
    expect(isPromQl('sum by (a) (rate(b[5m]) > 0')).toBe(false);
    expect(rulesIn().filter(({ expr }) => !isPromQl(expr))).toEqual([]);
  });

  test.skipIf('missing' in promtool)('has alerts that Prometheus takes', () => {
    const { groups: rules } = z.object({ groups: z.unknown() }).parse(only(render('everything'), 'PrometheusRule').spec);
    const { status, stdout, stderr } = withValues({ groups: rules }, (file) =>
      spawnSync(pathOf(promtool), ['check', 'rules', file], { encoding: 'utf8' }),
    );
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toContain(`SUCCESS: ${ours.length} rules found`);
  });

  test('scrapes the three services, under the name of the release', () => {
    expect(only(render('everything'), 'PodMonitor').spec).toMatchObject({
      selector: {
        matchLabels: { 'app.kubernetes.io/instance': 'mirror' },
        matchExpressions: [
          { key: 'app.kubernetes.io/component', operator: 'In', values: ['ingress', 'sync-worker', 'delete-worker', 'console'] },
        ],
      },
      podMetricsEndpoints: [{ port: 'ops', path: '/metrics', relabelings: [{ targetLabel: 'release', replacement: 'mirror' }] }],
    });
  });

  test('has the dashboard of ops, about this release only', () => {
    const board = z.looseObject({
      title: z.string(),
      uid: z.string(),
      panels: z.array(z.looseObject({ targets: z.array(z.looseObject({ expr: z.string() })) })),
    });
    const map = ofKind(render('everything'), 'ConfigMap').find(({ metadata }) => metadata.labels['grafana_dashboard'] === '1');
    const { title, uid, ...shown } = board.parse(
      JSON.parse(z.object({ 'everything.json': z.string() }).parse(map?.['data'])['everything.json']),
    );
    expect([title, uid]).toEqual(['notion-mirror: notion/mirror', expect.stringMatching(/^[0-9a-f]{16}$/)]);
    const { title: _, uid: __, ...original } = board.parse(JSON.parse(readFileSync(join(root, 'ops/grafana/dashboard.json'), 'utf8')));
    const expressions = shown.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    for (const expr of expressions) expect(expr).toMatch(/^(?!.*notion_mirror_\w+(?!\w|\{namespace="notion",release="mirror"[,}]))/);
    expect(JSON.parse(JSON.stringify(shown).replaceAll(/\{namespace=\\"notion\\",release=\\"mirror\\"\}/g, ''))).toEqual(original);
  });
});

test.skipIf('missing' in helm)('further objects may be maps or text, with what Helm knows', () => {
  const extra = ofKind(render('everything'), 'ConfigMap').filter(({ metadata }) => metadata.name.startsWith('extra-'));
  expect(extra.map(({ metadata, ...object }) => [metadata.name, object['data']])).toEqual([
    ['extra-mirror', { a: 'b' }],
    ['extra-text', { namespace: 'notion' }],
  ]);
});
