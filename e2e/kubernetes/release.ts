import { join } from 'node:path';
import { runCommand } from '@notion-mirror/local-stack/command';
import { z } from 'zod';

/** A release of the chart in a namespace of its own, which is removed at the end. */
export interface Release {
  readonly namespace: string;
  kubectl(...args: string[]): Promise<string>;
  /**
   * `helm upgrade --install --wait` with a file of values, and changes of them as `--set` takes them. `chart`: another one than this repository's. Resolves when
   * everything is ready.
   */
  upgrade(values: string, changes?: Readonly<Record<string, string>>, chart?: string): Promise<void>;
  rollback(revision: number): Promise<void>;
  /** The pods of a component that are not being stopped. */
  pods(component?: string): Promise<readonly Pod[]>;
  /** The address of the ingress for senders, from this machine. */
  webhookAddress(): Promise<{ readonly host: string; readonly port: number }>;
  remove(): Promise<void>;
}

export interface Pod {
  readonly name: string;
  readonly component: string;
  readonly isReady: boolean;
  readonly restarts: number;
}

const podsSchema = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), deletionTimestamp: z.string().optional(), labels: z.record(z.string(), z.string()) }),
      status: z.object({
        conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        containerStatuses: z.array(z.object({ restartCount: z.number() })).default([]),
      }),
    }),
  ),
});
const servicesSchema = z.object({
  items: z.array(z.object({ spec: z.object({ clusterIP: z.string(), ports: z.tuple([z.object({ port: z.number() })]) }) })).length(1),
});

const ownChart = join(import.meta.dirname, '../../deploy/helm/notion-mirror');
const name = 'mirror';
const componentLabel = 'app.kubernetes.io/component';

/** The namespace enforces the Pod Security Standard *restricted*, and holds the Secret `notion-mirror` with these variables. */
export async function createRelease(namespace: string, secrets: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Release> {
  const kubectl = (...args: string[]) => runCommand('kubectl', ['-n', namespace, ...args], { signal });
  const helm = (...args: string[]) => runCommand('helm', ['-n', namespace, ...args], { signal });
  await kubectl('create', 'namespace', namespace);
  await kubectl('label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted');
  await kubectl(
    'create',
    'secret',
    'generic',
    'notion-mirror',
    ...Object.entries(secrets).map(([key, value]) => `--from-literal=${key}=${value}`),
  );

  return {
    namespace,
    kubectl,
    async upgrade(values, changes = {}, chart = ownChart) {
      const set = Object.entries(changes).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
      await helm('upgrade', '--install', name, chart, '-f', values, ...set, '--wait', '--timeout', '5m');
    },
    rollback: async (revision) => void (await helm('rollback', name, String(revision), '--wait', '--timeout', '5m')),
    async pods(component) {
      const { items } = podsSchema.parse(
        JSON.parse(await kubectl('get', 'pods', '-l', `app.kubernetes.io/instance=${name}`, '-o', 'json')),
      );
      return items
        .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
        .map(({ metadata, status }) => ({
          name: metadata.name,
          component: metadata.labels[componentLabel] ?? '',
          isReady: status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True'),
          restarts: status.containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0),
        }))
        .filter((pod) => component === undefined || pod.component === component);
    },
    async webhookAddress() {
      const found = servicesSchema.parse(JSON.parse(await kubectl('get', 'services', '-l', `${componentLabel}=ingress`, '-o', 'json')));
      const [{ spec }] = found.items as [(typeof found.items)[0]];
      return { host: spec.clusterIP, port: spec.ports[0].port };
    },
    remove: async () => void (await runCommand('kubectl', ['delete', 'namespace', namespace, '--timeout=90s'])),
  };
}
