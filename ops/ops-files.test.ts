import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { helpTexts } from '@notion-mirror/cli/cli-reference';
import { createOutcomeReport as deleteReport } from '@notion-mirror/delete-worker/outcome-report';
import { createConsumerMetrics } from '@notion-mirror/event-log/lanes/lane-consumer-metrics';
import { publisherMetrics } from '@notion-mirror/event-log/publisher-metrics';
import { createIngressMetrics, registerGauges } from '@notion-mirror/ingress/ingress-metrics';
import { registerConnections } from '@notion-mirror/mirror-store/connection-directory';
import { createConnectionIndex } from '@notion-mirror/mirror-store/connection-index';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { createOutcomeKeeper } from '@notion-mirror/mirror-store/outcome-keeper';
import { registerSilence } from '@notion-mirror/mirror-store/tenant-signs';
import { createNotionMetrics } from '@notion-mirror/notion-source/notion-metrics';
import { createTokenSource } from '@notion-mirror/notion-source/token-source';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { createMetrics, type Registry } from '@notion-mirror/service-kit/metrics';
import { createOutcomeReport as syncReport } from '@notion-mirror/sync-worker/consume/outcome-report';
import { createScanMetrics } from '@notion-mirror/sync-worker/rows/scan-metrics';
import { tracingOff } from '@notion-mirror/service-kit/tracing/tracing';
import { createProcessSpans } from '@notion-mirror/worker/process-spans';
import { createStateLogMetrics } from '@notion-mirror/sync-worker/state-log/state-log-metrics';
import { createSweepMetrics } from '@notion-mirror/sync-worker/sweep/sweep-metrics';
import { MongoClient } from 'mongodb';
import { expect, describe, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const rules = z
  .object({
    groups: z.array(
      z.object({
        name: z.string(),
        rules: z.array(
          z.strictObject({
            alert: z.string().regex(/^Mirror[A-Za-z]+$/),
            expr: z.string(),
            for: z
              .string()
              .regex(/^\d+m$/)
              .optional(),
            labels: z.strictObject({ severity: z.enum(['critical', 'warning', 'info']) }),
            annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
          }),
        ),
      }),
    ),
  })
  .parse(parse(read('ops/prometheus/alerts.yml')))
  .groups.flatMap((group) => group.rules);

const dashboard = z
  .object({
    panels: z.array(z.object({ id: z.number(), title: z.string(), targets: z.array(z.object({ expr: z.string() })).min(1) })).min(1),
  })
  .parse(JSON.parse(read('ops/grafana/dashboard.json')));

const keep = (): void => {};
const spans = createProcessSpans({ tracing: tracingOff, topic: 'events', group: 'test' });

/** The metrics registered by the parts of the services, created as the services create them; nothing connects. */
function everyMetric(): Map<string, ReadonlySet<string>> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const db = new MongoClient('mongodb://localhost').db('none');
  const now = Date.now;
  const registries = [
    inRegistry((metrics) => {
      createIngressMetrics(metrics);
      registerGauges(metrics, { spoolWaiting: () => 0, bodyBytes: () => 0 });
      registerConnections(metrics, createConnectionIndex(), { loads: () => 0, following: () => true });
      publisherMetrics(metrics);
    }),
    inRegistry((metrics) => {
      createConsumerMetrics(metrics, 'group');
      createRecordStore(databaseStorage, { db, metrics });
      createNotionMetrics(metrics);
      createTokenSource({ nango: { url: 'http://localhost', apiKey: null }, decrypt: null, logger, metrics });
      createOutcomeKeeper({ db, retentionMs: 60_000, logger, metrics });
      registerSilence(metrics, db, 0);
      syncReport({ logger, metrics, now, keep, spans, tracing: tracingOff });
      createSweepMetrics(metrics, () => ({ oldestSeconds: null, stopped: 0 }));
      createStateLogMetrics(metrics);
      createScanMetrics(metrics, () => ({ incomplete: 0, oldestMs: null }));
    }),
    inRegistry((metrics) => {
      deleteReport({ logger, metrics, now, keep, tracing: tracingOff });
    }),
  ];
  const found = new Map<string, ReadonlySet<string>>();
  for (const metric of registries.flatMap((registry) => registry.getMetricsAsArray())) {
    const labels = new Set([
      'service',
      ...('labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames.map(String) : []),
    ]);
    found.set(metric.name, labels);
    if (String(metric.type) !== 'histogram') continue;
    for (const part of ['bucket', 'sum', 'count']) found.set(`${metric.name}_${part}`, new Set([...labels, 'le']));
  }
  return found;
}

function inRegistry(register: (metrics: Registry) => void): Registry {
  const metrics = createMetrics('test');
  register(metrics);
  return metrics;
}

/** The unknown metrics and labels of an expression. */
function problemsOf(expr: string, metrics: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const used = [...expr.matchAll(/\b(notion_mirror_\w+)(?:\{([^}]*)\})?/g)];
  if (used.length === 0) return ['names no metric'];
  const known = new Set(used.flatMap(([, name = '']) => [...(metrics.get(name) ?? [])]));
  const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(',').map((label) => label.trim()));
  return [
    ...used.flatMap(([, name = '', selector = '']) => {
      const labels = metrics.get(name);
      if (labels === undefined) return [`no metric ${name}`];
      return [...selector.matchAll(/(\w+)\s*[=!]~?/g)].flatMap(([, label = '']) =>
        labels.has(label) ? [] : [`${name} has no label ${label}`],
      );
    }),
    ...grouped.flatMap((label) => (known.has(label) ? [] : [`nothing has a label ${label}`])),
  ];
}

const metrics = everyMetric();
const kebab = (name: string): string => name.replaceAll(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

describe('the alerts', () => {
  test.each(rules.map((rule) => [rule.alert, rule] as const))(
    '%s uses metrics that exist, and has a runbook',
    (alert, { expr, annotations }) => {
      expect(problemsOf(expr, metrics)).toEqual([]);
      expect(annotations.runbook).toBe(`docs/runbooks/${kebab(alert)}.md`);
      expect(read(annotations.runbook).startsWith(`# ${alert}\n`)).toBe(true);
    },
  );

  test('each has a unique name, and each runbook an alert', () => {
    const pages = readdirSync(join(root, 'docs/runbooks')).filter((page) => page !== 'README.md');
    expect(pages.toSorted()).toEqual(rules.map(({ alert }) => `${kebab(alert)}.md`).toSorted());
    const index = read('docs/runbooks/README.md');
    for (const page of pages) expect(index).toContain(`(${page})`);
  });
});

test.each(dashboard.panels.map((panel) => [panel.title, panel] as const))('the panel %s uses metrics that exist', (_title, { targets }) => {
  expect(targets.flatMap(({ expr }) => problemsOf(expr, metrics))).toEqual([]);
});

test('an unregistered metric or label would be noticed', () => {
  expect(problemsOf('sum by (tenant) (rate(notion_mirror_nothing_total{x="y"}[5m]))', metrics)).toEqual([
    'no metric notion_mirror_nothing_total',
    'nothing has a label tenant',
  ]);
  expect(problemsOf('notion_mirror_lag_seconds{tenant="x"} > 1', metrics)).toEqual(['notion_mirror_lag_seconds has no label tenant']);
});

describe('the runbooks', () => {
  const commands = helpTexts();
  const routes = [...read('services/console/page/router.tsx').matchAll(/\bpath: '([^']+)'/g)].map(
    ([, path = '']) => new RegExp(`^${path.replaceAll(/\$\w+/g, '[^/]+')}$`),
  );

  test.each(rules.map(({ alert }) => [alert] as const))('%s names pages of the console', (alert) => {
    const page = read(`docs/runbooks/${kebab(alert)}.md`);
    const line = page.split('\n').find((one) => one.startsWith('- [The console](../console.md): ')) ?? '';
    const named = [...line.matchAll(/`(\/[^`]*)`/g)].map(([, path = '']) => path.replace(/\?.*/, ''));
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((path) => !routes.some((route) => route.test(path)))).toEqual([]);
  });

  test.each(rules.map(({ alert }) => [alert] as const))('%s names existing commands', (alert) => {
    const page = read(`docs/runbooks/${kebab(alert)}.md`);
    const named = [...page.matchAll(/(?:^|`)(mirror [^`\n]+)/gm)].map(([, text = '']) => text);
    expect(named.length).toBeGreaterThan(0);
    const wrong = named.filter((text) => {
      const words = text.split(' ');
      const name = [3, 2].map((length) => words.slice(0, length).join(' ')).find((candidate) => commands.has(candidate));
      const help = commands.get(name ?? '');
      return help === undefined || words.filter((word) => word.startsWith('--')).some((option) => !help.includes(`${option} `));
    });
    expect(wrong).toEqual([]);
  });
});
