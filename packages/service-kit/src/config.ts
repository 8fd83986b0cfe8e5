import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { withoutUserInfo } from './user-info.ts';
import { variables, type ServiceName, type Values, type Variable, type VariableName } from './variables.ts';

export interface KafkaConfig {
  readonly brokers: readonly string[];
  /** True: TLS with what Node trusts. Else PEM texts: what to trust instead, and a client certificate with its key. */
  readonly ssl: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  } | null;
}

export interface SchemaRegistryConfig {
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
}

export interface MirrorConfig {
  readonly kafka: KafkaConfig;
  /** Null: as many as there are brokers, at most 3. */
  readonly replicationFactor: number | null;
  readonly partitions: number;
  readonly retentionSeconds: number;
  readonly schemaRegistry: SchemaRegistryConfig;
  readonly mongodbUri: string;
  readonly topicPrefix: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly ops: { readonly host: string; readonly port: number };
  readonly nangoSigningKeys: readonly string[];
  readonly nango: { readonly url: string; readonly apiKey: string | null };
  /** How long a token is used before Nango is asked for it again. */
  readonly tokenMs: number;
  /** Which tenant a connection belongs to that Nango tells of and nobody has added; null: none, it is left to the operator. */
  readonly tenantOfConnection: Values['MIRROR_CONNECTION_TENANT'];
  readonly notionApiUrl: string;
  readonly notionRequestsPerMinute: number;
  readonly notionTimeoutMs: number;
  readonly notionVerificationTokens: readonly string[];
  readonly notionHandshake: 'first' | 'off';
  readonly clockToleranceMs: number;
  readonly reconcileIntervalMs: number;
  readonly tombstoneTtlSeconds: number;
  readonly outcomeRetentionSeconds: number;
  readonly silenceMs: number;
  readonly encryptionKey: Buffer | null;
  readonly shutdownMs: number;
  readonly logLevel: Values['MIRROR_LOG_LEVEL'];
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigProblem {
  readonly variable: string;
  readonly problem: string;
  readonly expected: string;
}

/** Names every bad variable at once, never a secret's value. `exitCode` is EX_CONFIG of sysexits.h. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly exitCode = 78;
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(`bad configuration:\n${problems.map((p) => `  ${p.variable}: ${p.problem}; expected ${p.expected}`).join('\n')}`);
    this.problems = problems;
  }
}

const opsPorts: Readonly<Record<ServiceName, number>> = { ingress: 3100, 'sync-worker': 3101, 'delete-worker': 3102, cli: 0 };

/** The whole configuration of a process from its environment. Throws ConfigError. An empty variable counts as missing. */
export function loadConfig(env: Environment, service: ServiceName): MirrorConfig {
  const { values, problems } = readVariables(env);
  const sasl = {
    mechanism: values.MIRROR_KAFKA_SASL_MECHANISM,
    username: values.MIRROR_KAFKA_SASL_USERNAME,
    password: values.MIRROR_KAFKA_SASL_PASSWORD,
  };
  if (sasl.mechanism !== undefined) {
    for (const [variable, value] of [
      ['MIRROR_KAFKA_SASL_USERNAME', sasl.username],
      ['MIRROR_KAFKA_SASL_PASSWORD', sasl.password],
    ] as const) {
      if (value === undefined)
        problems.push({ variable, problem: 'missing', expected: 'a value, since MIRROR_KAFKA_SASL_MECHANISM is set' });
    }
  }
  const ssl = kafkaSsl(values, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    kafka: {
      brokers: values.MIRROR_KAFKA_BROKERS,
      ssl,
      sasl:
        sasl.mechanism === undefined || sasl.username === undefined || sasl.password === undefined
          ? null
          : { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password },
    },
    replicationFactor: values.MIRROR_KAFKA_REPLICATION_FACTOR,
    partitions: values.MIRROR_KAFKA_PARTITIONS,
    retentionSeconds: values.MIRROR_KAFKA_RETENTION_DAYS,
    schemaRegistry: {
      url: values.MIRROR_SCHEMA_REGISTRY_URL,
      username: values.MIRROR_SCHEMA_REGISTRY_USERNAME ?? null,
      password: values.MIRROR_SCHEMA_REGISTRY_PASSWORD ?? null,
    },
    mongodbUri: values.MIRROR_MONGODB_URI,
    topicPrefix: values.MIRROR_TOPIC_PREFIX,
    http: { host: values.MIRROR_HTTP_HOST, port: values.MIRROR_HTTP_PORT },
    ops: { host: values.MIRROR_OPS_HOST, port: values.MIRROR_OPS_PORT ?? opsPorts[service] },
    nangoSigningKeys: values.MIRROR_NANGO_SIGNING_KEYS,
    nango: { url: values.MIRROR_NANGO_URL, apiKey: values.MIRROR_NANGO_API_KEY ?? null },
    tokenMs: values.MIRROR_NANGO_TOKEN_SECONDS,
    tenantOfConnection: values.MIRROR_CONNECTION_TENANT,
    notionApiUrl: values.MIRROR_NOTION_API_URL,
    notionRequestsPerMinute: values.MIRROR_NOTION_REQUESTS_PER_MINUTE,
    notionTimeoutMs: values.MIRROR_NOTION_TIMEOUT_SECONDS,
    notionVerificationTokens: values.MIRROR_NOTION_VERIFICATION_TOKENS,
    notionHandshake: values.MIRROR_NOTION_HANDSHAKE,
    clockToleranceMs: values.MIRROR_CLOCK_TOLERANCE_SECONDS,
    reconcileIntervalMs: values.MIRROR_RECONCILE_INTERVAL_HOURS,
    tombstoneTtlSeconds: values.MIRROR_TOMBSTONE_TTL_DAYS,
    outcomeRetentionSeconds: values.MIRROR_OUTCOME_RETENTION_DAYS,
    silenceMs: values.MIRROR_SILENCE_HOURS,
    encryptionKey: values.MIRROR_ENCRYPTION_KEY,
    shutdownMs: values.MIRROR_SHUTDOWN_SECONDS,
    logLevel: values.MIRROR_LOG_LEVEL,
  };
}

function kafkaSsl(values: Values, problems: ConfigProblem[]): KafkaConfig['ssl'] {
  const files = {
    MIRROR_KAFKA_SSL_CA_FILE: values.MIRROR_KAFKA_SSL_CA_FILE,
    MIRROR_KAFKA_SSL_CERT_FILE: values.MIRROR_KAFKA_SSL_CERT_FILE,
    MIRROR_KAFKA_SSL_KEY_FILE: values.MIRROR_KAFKA_SSL_KEY_FILE,
  };
  const given = Object.entries(files).flatMap(([variable, pem]) => (pem === undefined ? [] : [variable]));
  const [first] = given;
  // A variable that does not fit has been named already, and says nothing about the others.
  if (first === undefined || problems.some(({ variable }) => variable.startsWith('MIRROR_KAFKA_SSL'))) return values.MIRROR_KAFKA_SSL;
  if (!values.MIRROR_KAFKA_SSL) {
    problems.push({ variable: 'MIRROR_KAFKA_SSL', problem: 'false', expected: `true, since ${first} is set` });
    return false;
  }
  const { MIRROR_KAFKA_SSL_CA_FILE: ca, MIRROR_KAFKA_SSL_CERT_FILE: cert, MIRROR_KAFKA_SSL_KEY_FILE: key } = files;
  if ((cert === undefined) !== (key === undefined)) {
    const [is, missing] = cert === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY'];
    const expected = `the path of a PEM file, since MIRROR_KAFKA_SSL_${is}_FILE is set`;
    problems.push({ variable: `MIRROR_KAFKA_SSL_${missing}_FILE`, problem: 'missing', expected });
    return true;
  }
  const ssl = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined || key === undefined ? {} : { cert, key }) };
  try {
    createSecureContext(ssl);
  } catch {
    const expected = 'certificates and the private key that belongs to the first of them, without a passphrase';
    problems.push({ variable: given.join(', '), problem: 'the files cannot be used', expected });
  }
  return ssl;
}

/** `loadConfig` for a process: prints what is wrong and exits 78. */
export function loadConfigOrExit(service: ServiceName): MirrorConfig {
  try {
    return loadConfig(process.env, service);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${service}: ${error.message}\n`);
    process.exit(error.exitCode);
  }
}

export interface SettingReport {
  readonly variable: VariableName;
  readonly origin: 'default' | 'environment' | 'file' | 'missing';
  /** The value as written; `(set)` or `(not set)` for a secret. */
  readonly shown: string;
}

/** Every variable with where its value comes from, for `mirror config check`. Secrets are never shown. */
export function describeSettings(env: Environment): readonly SettingReport[] {
  return entries().map(([variable, definition]) => {
    const given = read(env, variable, definition, []);
    const origin = given?.origin ?? (definition.default === undefined ? 'missing' : 'default');
    if (definition.secret === true)
      return { variable, origin, shown: given === undefined ? (origin === 'default' ? '(default)' : '(not set)') : '(set)' };
    return { variable, origin, shown: withoutUserInfo(given?.value ?? definition.default ?? '(not set)') };
  });
}

function entries(): [VariableName, Variable<unknown>][] {
  return Object.entries(variables) as [VariableName, Variable<unknown>][];
}

function readVariables(env: Environment): { values: Values; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const values = Object.fromEntries(
    entries().map(([name, definition]) => {
      const given = read(env, name, definition, problems);
      const result = definition.parse.safeParse(given?.value ?? definition.default);
      if (!result.success) {
        const shown = definition.secret === true ? 'the given value does not fit' : `"${withoutUserInfo(given?.value ?? '')}" does not fit`;
        problems.push({ variable: name, problem: given === undefined ? 'missing' : shown, expected: definition.expected });
      }
      return [name, result.data];
    }),
  );
  return { values: values as Values, problems };
}

/** Variables with our prefix that nothing reads: probably misspelt, and silently a default. */
export function unknownVariables(env: Environment): readonly string[] {
  const known = new Set(entries().flatMap(([name, definition]) => (definition.secret === true ? [name, `${name}_FILE`] : [name])));
  return Object.keys(env).filter((name) => name.startsWith('MIRROR_') && !known.has(name as VariableName) && !toolVariables.test(name));
}

/** Variables with our prefix that belong to the development tools, not to a service. */
const toolVariables = /^MIRROR_(STACK|TEST|DEMO)(_|$)/;

function read(
  env: Environment,
  name: string,
  definition: Variable<unknown>,
  problems: ConfigProblem[],
): { value: string; origin: 'environment' | 'file' } | undefined {
  const direct = env[name];
  const path = definition.secret === true ? env[`${name}_FILE`] : undefined;
  const hasDirect = direct !== undefined && direct !== '';
  if (path === undefined || path === '') return hasDirect ? { value: direct, origin: 'environment' } : undefined;
  if (hasDirect) problems.push({ variable: name, problem: `set twice, directly and as ${name}_FILE`, expected: 'one of the two' });
  try {
    return { value: readFileSync(path, 'utf8').trim(), origin: 'file' };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    problems.push({ variable: `${name}_FILE`, problem: `cannot read ${path} (${code})`, expected: 'the path of a readable file' });
    return undefined;
  }
}
