import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';

export const chartFolder = join(import.meta.dirname, '../notion-mirror');

export interface HelmRun {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

export function runHelm(helm: string, args: readonly string[]): HelmRun {
  const { status, stdout, stderr, error } = spawnSync(helm, args, { encoding: 'utf8' });
  if (error !== undefined) throw new Error('helm cannot be started', { cause: error });
  return { ok: status === 0, stdout, stderr };
}

export const fileOf = (values: string): string => join(chartFolder, 'ci', `${values}-values.yaml`);

/** A file with these values for the time of `use`. */
export function withValues<T>(values: unknown, use: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'mirror-chart-'));
  try {
    const file = join(folder, 'values.yaml');
    writeFileSync(file, stringify(values));
    return use(file);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const selector = z.looseObject({ matchLabels: z.record(z.string(), z.string()) });
const container = z.looseObject({
  name: z.string(),
  image: z.string(),
  command: z.array(z.string()).optional(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })).default([]),
  securityContext: z.looseObject({}).default({}),
});
export type Container = z.infer<typeof container>;

const podTemplate = z.looseObject({
  metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
  spec: z.looseObject({
    enableServiceLinks: z.boolean().optional(),
    automountServiceAccountToken: z.boolean().optional(),
    terminationGracePeriodSeconds: z.number(),
    containers: z.array(container).min(1),
    initContainers: z.array(container).default([]),
    securityContext: z.looseObject({}).default({}),
    volumes: z
      .array(z.looseObject({ name: z.string(), projected: z.looseObject({ sources: z.array(z.unknown()) }).optional() }))
      .default([]),
  }),
});
export type PodTemplate = z.infer<typeof podTemplate>;

const kubernetesObject = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).default({}),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({}).default({}),
});
export type KubernetesObject = z.infer<typeof kubernetesObject> & {
  /** As Helm rendered it. */
  readonly source: object;
};

export function objectsIn(yaml: string): readonly KubernetesObject[] {
  const documents = parseAllDocuments(yaml, { version: '1.1' });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`helm rendered what is no YAML: ${error.message}`);
    const value: unknown = document.toJS();
    return value === null ? [] : [{ ...kubernetesObject.parse(value), source: value as object }];
  });
}

export const podOf = (object: KubernetesObject): PodTemplate => podTemplate.parse(object.spec['template']);

export const hasPods = ({ kind }: KubernetesObject): boolean => ['Deployment', 'Job'].includes(kind);

export const matchLabelsOf = (value: unknown): Readonly<Record<string, string>> => selector.parse(value).matchLabels;
