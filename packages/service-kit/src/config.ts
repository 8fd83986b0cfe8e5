import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { withoutUserInfo } from './user-info.ts';
import { variableEntries, type variables, type ServiceName, type Values, type Variable, type VariableName } from './variables.ts';

export interface KafkaConfig {
  readonly brokers: readonly string[];
  /** True: TLS with the authorities that Node trusts. PEM texts: the authorities to trust instead, and a client certificate with its key. */
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

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigProblem {
  readonly variable: string;
  readonly problem: string;
  readonly expected: string;
}

/** Names every bad variable at once, never the value of a secret. `exitCode` is EX_CONFIG of sysexits.h. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly exitCode = 78;
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(`bad configuration:\n${problems.map((p) => `  ${p.variable}: ${p.problem}; expected ${p.expected}`).join('\n')}`);
    this.problems = problems;
  }
}

const opsPorts: Readonly<Record<ServiceName, number>> = {
  ingress: 3100,
  'sync-worker': 3101,
  'delete-worker': 3102,
  console: 3103,
  cli: 0,
};

/** The settings that are made of several variables. */
const composed = {
  kafka: (values: Values): KafkaConfig => ({ brokers: values.MIRROR_KAFKA_BROKERS, ssl: kafkaSsl(values), sasl: kafkaSasl(values) }),
  schemaRegistry: (values: Values): SchemaRegistryConfig => ({
    url: values.MIRROR_SCHEMA_REGISTRY_URL,
    username: values.MIRROR_SCHEMA_REGISTRY_USERNAME ?? null,
    password: values.MIRROR_SCHEMA_REGISTRY_PASSWORD ?? null,
  }),
  nango: (values: Values) => ({ url: values.MIRROR_NANGO_URL, apiKey: values.MIRROR_NANGO_API_KEY ?? null }),
  consoleHttp: (values: Values) => ({ host: values.MIRROR_CONSOLE_HOST, port: values.MIRROR_CONSOLE_PORT }),
  consoleProxy: (values: Values) => ({
    secret: values.MIRROR_CONSOLE_PROXY_SECRET ?? null,
    userHeader: values.MIRROR_CONSOLE_USER_HEADER,
    groupsHeader: values.MIRROR_CONSOLE_GROUPS_HEADER,
    operatorGroups: values.MIRROR_CONSOLE_OPERATOR_GROUPS,
    viewerGroups: values.MIRROR_CONSOLE_VIEWER_GROUPS,
  }),
  http: (values: Values) => ({ host: values.MIRROR_HTTP_HOST, port: values.MIRROR_HTTP_PORT }),
  ops: (values: Values, service: ServiceName) => ({ host: values.MIRROR_OPS_HOST, port: values.MIRROR_OPS_PORT ?? opsPorts[service] }),
} as const;
type Composed = { readonly [K in keyof typeof composed]: ReturnType<(typeof composed)[K]> };

type Key<N extends VariableName> = (typeof variables)[N]['key'];
type Settings = { readonly [N in VariableName as Key<N>]: Key<N> extends keyof Composed ? Composed[Key<N>] : Values[N] };
type User<N extends VariableName> = (typeof variables)[N]['usedBy'][number];
type KeyUsedBy<S extends ServiceName> = { [N in VariableName]: [S] extends [User<N>] ? Key<N> : never }[VariableName];

/** What a service is configured with: the settings that it uses and no others. For several services: those that all of them use. */
export type Config<S extends ServiceName> = Pick<Settings, KeyUsedBy<S>>;

/** The configuration of a service from its environment. Variables of other services are not read, an empty one counts as missing. Throws ConfigError. */
export function loadConfig<S extends ServiceName>(env: Environment, service: S): Config<S> {
  const used = variableEntries.filter(([, { usedBy }]) => usedBy.includes(service));
  const { values, problems } = readVariables(env, used);
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.fromEntries(
    used.map(([name, { key }]) => [key, isComposed(key) ? composed[key](values, service) : values[name]]),
  ) as Config<S>;
}

/** Everything that is wrong with an environment that all services share. */
export function configProblems(env: Environment): readonly ConfigProblem[] {
  return readVariables(env, variableEntries).problems;
}

function isComposed(key: string): key is keyof Composed {
  return Object.hasOwn(composed, key);
}

function kafkaSasl(values: Values): KafkaConfig['sasl'] {
  const { MIRROR_KAFKA_SASL_MECHANISM: mechanism, MIRROR_KAFKA_SASL_USERNAME: username, MIRROR_KAFKA_SASL_PASSWORD: password } = values;
  return mechanism === undefined || username === undefined || password === undefined ? null : { mechanism, username, password };
}

function kafkaSsl(values: Values): KafkaConfig['ssl'] {
  const { MIRROR_KAFKA_SSL_CA_FILE: ca, MIRROR_KAFKA_SSL_CERT_FILE: cert, MIRROR_KAFKA_SSL_KEY_FILE: key } = values;
  const ssl = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined || key === undefined ? {} : { cert, key }) };
  return Object.keys(ssl).length === 0 ? values.MIRROR_KAFKA_SSL : ssl;
}

function saslProblems(values: Values): ConfigProblem[] {
  if (values.MIRROR_KAFKA_SASL_MECHANISM === undefined) return [];
  return (['MIRROR_KAFKA_SASL_USERNAME', 'MIRROR_KAFKA_SASL_PASSWORD'] as const)
    .filter((variable) => values[variable] === undefined)
    .map((variable) => ({ variable, problem: 'missing', expected: 'a value, since MIRROR_KAFKA_SASL_MECHANISM is set' }));
}

/** What is wrong with the PEM files together, when each is readable by itself. */
function sslProblems(values: Values): ConfigProblem[] {
  const { MIRROR_KAFKA_SSL_CA_FILE: ca, MIRROR_KAFKA_SSL_CERT_FILE: cert, MIRROR_KAFKA_SSL_KEY_FILE: key } = values;
  const files = { MIRROR_KAFKA_SSL_CA_FILE: ca, MIRROR_KAFKA_SSL_CERT_FILE: cert, MIRROR_KAFKA_SSL_KEY_FILE: key };
  const given = Object.entries(files).flatMap(([variable, pem]) => (pem === undefined ? [] : [variable]));
  const [first] = given;
  if (first === undefined) return [];
  if (!values.MIRROR_KAFKA_SSL) return [{ variable: 'MIRROR_KAFKA_SSL', problem: 'false', expected: `true, since ${first} is set` }];
  if ((cert === undefined) !== (key === undefined)) {
    const [is, missing] = cert === undefined ? ['KEY', 'CERT'] : ['CERT', 'KEY'];
    const expected = `the path of a PEM file, since MIRROR_KAFKA_SSL_${is}_FILE is set`;
    return [{ variable: `MIRROR_KAFKA_SSL_${missing}_FILE`, problem: 'missing', expected }];
  }
  try {
    createSecureContext({ ca, cert, key });
    return [];
  } catch {
    const expected = 'certificates and the private key that belongs to the first of them, without a passphrase';
    return [{ variable: given.join(', '), problem: 'the files cannot be used', expected }];
  }
}

/** `loadConfig` for a process: prints the problems and exits 78. */
export function loadConfigOrExit<S extends ServiceName>(service: S): Config<S> {
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
  return variableEntries.map(([variable, definition]) => {
    const given = read(env, variable, definition, []);
    const origin = given?.origin ?? (definition.default === undefined ? 'missing' : 'default');
    if (definition.secret === true)
      return { variable, origin, shown: given === undefined ? (origin === 'default' ? '(default)' : '(not set)') : '(set)' };
    return { variable, origin, shown: withoutUserInfo(given?.value ?? definition.default ?? '(not set)') };
  });
}

/** Of variables that are not among `used` there is no value. */
function readVariables(
  env: Environment,
  used: readonly [VariableName, Variable][],
): { values: Values; problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = [];
  const values = Object.fromEntries(
    used.map(([name, definition]) => {
      const given = read(env, name, definition, problems);
      const result = definition.parse.safeParse(given?.value ?? definition.default);
      if (!result.success) {
        problems.push(serviceLinkProblem(name, given?.value, definition) ?? valueProblem(name, given?.value, definition));
      }
      return [name, result.data];
    }),
  ) as Values;
  problems.push(...saslProblems(values));
  // An unreadable file has been named already; nothing can be said about the others.
  if (!problems.some(({ variable }) => variable.startsWith('MIRROR_KAFKA_SSL'))) problems.push(...sslProblems(values));
  if (used.some(([name]) => name === 'MIRROR_CONSOLE_ACCESS') && problems.length === 0) problems.push(...consoleProblems(values));
  return { values, problems };
}

/** Closed by default: no unknown user reaches a console from another machine, and no secret of a user crosses a network in the clear. */
function consoleProblems(values: Values): ConfigProblem[] {
  const { MIRROR_CONSOLE_ACCESS: access, MIRROR_CONSOLE_HOST: host, MIRROR_CONSOLE_ORIGIN: origin } = values;
  const problems: ConfigProblem[] = [];
  if (access === 'off' && !isLoopback(host)) {
    const expected = 'tokens or proxy, since MIRROR_CONSOLE_HOST is no loopback address (127.0.0.1, ::1, localhost)';
    problems.push({ variable: 'MIRROR_CONSOLE_ACCESS', problem: 'off', expected });
  }
  if (access === 'off' && origin !== undefined && !isLoopback(new URL(origin).hostname)) {
    const expected = 'tokens or proxy, since MIRROR_CONSOLE_ORIGIN is not on this machine';
    problems.push({ variable: 'MIRROR_CONSOLE_ACCESS', problem: 'off', expected });
  }
  if (access === 'tokens' && values.MIRROR_CONSOLE_TOKENS.length === 0) {
    const expected = 'at least one line, since MIRROR_CONSOLE_ACCESS is tokens: `mirror console token <name>` makes one';
    problems.push({ variable: 'MIRROR_CONSOLE_TOKENS', problem: 'missing', expected });
  }
  if (access === 'proxy' && values.MIRROR_CONSOLE_PROXY_SECRET === undefined) {
    const expected = 'the secret that the proxy sends, since MIRROR_CONSOLE_ACCESS is proxy';
    problems.push({ variable: 'MIRROR_CONSOLE_PROXY_SECRET', problem: 'missing', expected });
  }
  if (origin?.startsWith('http:') === true && !isLoopback(new URL(origin).hostname)) {
    const expected = 'an https URL, unless the console is on this machine';
    problems.push({ variable: 'MIRROR_CONSOLE_ORIGIN', problem: `"${origin}" does not fit`, expected });
  }
  return problems;
}

/** Whether only this machine reaches the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function valueProblem(variable: VariableName, value: string | undefined, { secret, expected }: Variable): ConfigProblem {
  const shown = secret === true ? 'the given value does not fit' : `"${withoutUserInfo(value ?? '')}" does not fit`;
  return { variable, problem: value === undefined ? 'missing' : shown, expected };
}

/** Kubernetes gives every container such variables for each Service of its namespace: `MIRROR_OPS_PORT=tcp://10.0.0.1:3100` for one called `mirror-ops`. */
function serviceLinkProblem(variable: VariableName, value: string | undefined, { expected }: Variable): ConfigProblem | null {
  if (!variable.endsWith('_PORT') || value === undefined || !/^(tcp|udp|sctp):\/\/\S+:\d+$/.test(value)) return null;
  const service = variable.slice(0, -'_PORT'.length).toLowerCase().replaceAll('_', '-');
  const remedy = 'put `enableServiceLinks: false` into the spec of the pod, set the variable yourself, or rename the Service';
  return {
    variable,
    problem: `"${value}" is no setting but Kubernetes' link to a Service called ${service}`,
    expected: `${expected}: ${remedy}`,
  };
}

/** Variables with our prefix that no service reads: probably misspelt, so that a default applies silently. */
export function unknownVariables(env: Environment): readonly string[] {
  const known = new Set(variableEntries.flatMap(([name, definition]) => (definition.secret === true ? [name, `${name}_FILE`] : [name])));
  return Object.keys(env).filter((name) => name.startsWith('MIRROR_') && !known.has(name as VariableName) && !toolVariables.test(name));
}

/** Variables with our prefix that belong to the development tools, not to a service. */
const toolVariables = /^MIRROR_(STACK|TEST|DEMO)(_|$)/;

function read(
  env: Environment,
  name: string,
  definition: Variable,
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
