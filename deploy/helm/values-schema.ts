import { variableEntries, type ServiceName, type Variable } from '@notion-mirror/service-kit/variables';
import { z } from 'zod';

/** A value that Kubernetes checks, not we. */
const object = z.record(z.string(), z.unknown());
const objects = z.array(object);
const texts = z.record(z.string(), z.string());
const count = z.int().min(0);
const name = z.string();
/** Helm leaves a `null` out when another value of the same map is set. */
const nullable = <T extends z.ZodType>(type: T) => z.union([type, z.null()]).optional();

/** Set by the templates: probes and Services name these ports. */
export const chartOwned: readonly string[] = [
  'MIRROR_HTTP_PORT',
  'MIRROR_OPS_PORT',
  'MIRROR_CONSOLE_HOST',
  'MIRROR_CONSOLE_PORT',
  'MIRROR_CONSOLE_PAGE',
];

const settingsOf = (reader: ServiceName | null, secret: boolean): readonly [string, Variable][] =>
  variableEntries.filter(
    ([variable, { usedBy, secret: isSecret }]) =>
      !chartOwned.includes(variable) && (isSecret === true) === secret && (reader === null || usedBy.includes(reader)),
  );

/** What YAML makes of a setting: `48` and `true` are no texts there. */
function settingType({ parse }: Variable): z.ZodType {
  const { enum: values, pattern } = z.toJSONSchema(parse, { io: 'input', unrepresentable: 'any' });
  if (values?.includes('true') === true) return z.union([z.boolean(), z.enum(['true', 'false'])]);
  if (values !== undefined) return z.enum(values.map(String));
  const text = pattern === undefined ? z.string() : z.string().regex(new RegExp(`^$|${pattern}`));
  return takesNumbers(parse) ? z.union([z.number(), text]) : text;
}

const takesNumbers = (parse: z.ZodType): boolean =>
  ['1', '5', '50', '0.5'].some((value) => parse.safeParse(value).success) && !parse.safeParse('x').success;

const settings: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  variableEntries.map(([variable, definition]) => [
    variable,
    settingType(definition).describe(`${definition.description} Expected: ${definition.expected}.`),
  ]),
);

/** `config`, with the variables that `reader` reads (null: any process). */
function configOf(reader: ServiceName | null, required: readonly string[] = []) {
  const shape = settingsOf(reader, false).flatMap(([variable]) => {
    const type = settings[variable];
    return type === undefined ? [] : [[variable, required.includes(variable) ? type : type.optional()] as const];
  });
  return z.strictObject(Object.fromEntries(shape));
}

const secretSource = z.strictObject({ name: name.optional(), key: z.string().optional() }).meta({ id: 'secretSource' });

function secretsOf(reader: ServiceName | null) {
  return z.strictObject(
    Object.fromEntries(
      settingsOf(reader, true).map(([variable, { description }]) => [variable, secretSource.optional().describe(description)]),
    ),
  );
}

const strimzi = z.strictObject({
  clusterCaSecret: name,
  userSecret: name,
  userAuthentication: z.enum(['tls', 'scram-sha-512']),
});
const strimziTopics = z.strictObject({
  enabled: z.boolean(),
  cluster: name,
  namespace: name,
  statePartitions: nullable(z.int().min(1)),
  apiVersion: z.string().min(1),
});

const pod = {
  podLabels: texts,
  podAnnotations: texts,
  annotations: texts,
  serviceAccountName: name,
  priorityClassName: name,
  nodeSelector: texts,
  tolerations: objects,
  affinity: object,
  topologySpreadConstraints: objects,
  podSecurityContext: object,
  securityContext: object,
  startupProbe: object,
  livenessProbe: object,
  readinessProbe: object,
  revisionHistoryLimit: count,
  terminationGracePeriodSeconds: nullable(count),
  extraEnv: objects,
  extraEnvFrom: objects,
  extraVolumes: objects,
  extraVolumeMounts: objects,
  initContainers: objects,
  extraContainers: objects,
  hostAliases: objects,
};
const podDefaults = z.strictObject(pod).partial().meta({ id: 'defaults' });

/** What every component has: pod settings of its own, and settings and secrets that differ from those of the others. */
const component = (reader: ServiceName) => ({
  ...podDefaults.shape,
  resources: object,
  config: configOf(reader).optional(),
  secrets: secretsOf(reader).optional(),
  strimzi: strimzi.partial().optional(),
});
const process = { replicas: count, command: z.array(z.string()).min(1), strategy: object, minReadySeconds: count };
const service = {
  ...process,
  podDisruptionBudget: z.strictObject({ enabled: z.boolean(), maxUnavailable: z.union([count, z.string()]) }),
};
/** From outside of the cluster. */
const reachable = {
  service: z.strictObject({
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']),
    port: z.int().min(1).max(65_535),
    annotations: texts,
  }),
  route: z.strictObject({ enabled: z.boolean(), className: name, host: name, tlsSecret: name, annotations: texts }),
};
const monitor = { enabled: z.boolean(), labels: texts };

const values = z.strictObject({
  global: object.optional().describe('Values of a parent chart. Nothing here reads them.'),
  nameOverride: name,
  fullnameOverride: name,
  image: z.strictObject({
    repository: z.string().min(1),
    tag: z.string(),
    digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
    pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
    pullSecrets: objects,
  }),
  config: configOf(null, ['MIRROR_KAFKA_BROKERS', 'MIRROR_SCHEMA_REGISTRY_URL']),
  existingSecret: name,
  secrets: secretsOf(null),
  strimzi: strimzi.extend({ topics: strimziTopics }),
  defaults: podDefaults,
  ingress: z.strictObject({
    ...component('ingress'),
    ...service,
    preStopSeconds: count,
    ...reachable,
    autoscaling: z.strictObject({
      enabled: z.boolean(),
      minReplicas: z.int().min(1),
      maxReplicas: z.int().min(1),
      targetCPUUtilizationPercentage: z.int().min(1),
    }),
  }),
  syncWorker: z.strictObject({
    ...component('sync-worker'),
    ...service,
    keda: z.strictObject({
      enabled: z.boolean(),
      minReplicaCount: z.int().min(1),
      maxReplicaCount: z.int().min(1),
      pollingInterval: z.int().min(1),
      lagThreshold: z.int().min(1),
      kafkaAuthentication: name,
      prometheusUrl: z.string(),
      runnableThreshold: z.int().min(1),
      sweepThreshold: nullable(z.int().min(1)),
      behavior: object,
    }),
  }),
  deleteWorker: z.strictObject({ ...component('delete-worker'), ...service }),
  console: z.strictObject({ ...component('console'), ...process, ...reachable, enabled: z.boolean() }),
  init: z.strictObject({
    ...component('cli'),
    enabled: z.boolean(),
    useHelmHooks: z.boolean(),
    waitSeconds: count,
    backoffLimit: count,
    activeDeadlineSeconds: z.int().min(1),
  }),
  cli: z.strictObject({ ...component('cli'), enabled: z.boolean() }),
  networkPolicy: z.strictObject({
    enabled: z.boolean(),
    ingressFrom: objects,
    consoleFrom: objects,
    monitoringFrom: objects,
    kafkaPorts: z.array(z.int()),
    registryPort: nullable(z.int()),
    mongodbPorts: z.array(z.int()),
    apiPorts: z.array(z.int()),
    extraEgress: objects,
  }),
  monitoring: z.strictObject({
    podMonitor: z.strictObject({ ...monitor, interval: z.string() }),
    prometheusRule: z.strictObject({ ...monitor, runbookBaseUrl: z.string() }),
    dashboard: z.strictObject({ ...monitor, annotations: texts }),
  }),
  extraObjects: z.array(z.union([object, z.string()])),
});

/** values.schema.json: Helm refuses a misspelt value, a secret among the settings, or a setting that no process reads. */
export function valuesSchema(): unknown {
  return z.toJSONSchema(values, { target: 'draft-7', io: 'input', reused: 'ref' });
}

/** files/variables.json: what the templates must know of the variables. */
export function variablesForTemplates(): unknown {
  return Object.fromEntries(
    variableEntries.map(([variable, { usedBy, default: fallback }]) => [variable, { usedBy, default: fallback ?? '' }]),
  );
}
