import { readFileSync } from 'node:fs';
import { z } from 'zod';

export type ServiceName = 'ingress' | 'sync-worker' | 'delete-worker' | 'console' | 'cli';

const everyone: readonly ServiceName[] = ['ingress', 'sync-worker', 'delete-worker', 'console', 'cli'];

/** One environment variable. The table below is the only place that knows them: configurations, their types and docs/configuration.md are made from it. */
export interface Variable<T = unknown, K extends string = string, S extends ServiceName = ServiceName> {
  /** The name of the setting in the configuration; variables with the same key are parts of one setting. */
  readonly key: K;
  /** As written in the environment; undefined: it may be missing. */
  readonly default?: string | undefined;
  /** Never printed; may also be given as `<NAME>_FILE`, the path of a file that holds it. */
  readonly secret?: boolean;
  /** No other service reads it. */
  readonly usedBy: readonly S[];
  readonly description: string;
  /** The values it accepts, for error messages. */
  readonly expected: string;
  readonly parse: z.ZodType<T, string | undefined>;
}

const text = z.string();
const optionalText = z.string().optional();
const list = z
  .string()
  .optional()
  .transform((value) =>
    (value ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
const httpUrl = z
  .string()
  .refine((value) => URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol))
  .transform((value) => value.replace(/\/+$/, ''));
const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/)
    .transform(Number)
    .refine((value) => value >= min && value <= max);
const second = 1_000;
const hour = 3_600 * second;
const day = 24 * hour;
/** Milliseconds, from a number of units that are `unit` milliseconds each. */
const duration = (unit: number, min: number, max: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/)
    .transform((value) => Math.round(Number(value) * unit))
    .refine((ms) => ms >= min * unit && ms <= max * unit);
const days = duration(day, 0, 3650).refine((ms) => ms > 0);
/** The text of a PEM file; undefined when no path is given. */
const pemFile = z
  .string()
  .optional()
  .transform((path, context) => {
    if (path === undefined) return undefined;
    try {
      const pem = readFileSync(path, 'utf8');
      if (pem.includes('-----BEGIN ')) return pem;
    } catch {
      // The same issue: it names the path.
    }
    context.addIssue('no PEM file');
    return z.NEVER;
  });
const boolean = z.enum(['true', 'false']).transform((value) => value === 'true');

const headerName = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9-]*$/)
  .transform((name) => name.toLowerCase());
/** Empty lines and lines that begin with `#` say nothing. */
const consoleTokens = z
  .string()
  .optional()
  .transform((value, context) => {
    const lines = (value ?? '').split('\n').map((line) => line.trim());
    return lines
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const [, name, role, hash] = /^([\w.@-]{1,100})\s+(viewer|operator)\s+sha256:([0-9a-f]{64})$/.exec(line) ?? [];
        if (name === undefined || hash === undefined) context.addIssue('no token');
        return { name: name ?? '', role: role === 'operator' ? ('operator' as const) : ('viewer' as const), hash: hash ?? '' };
      });
  });

const variable = <T, K extends string, S extends ServiceName>(definition: Variable<T, K, S>) => definition;

export const variables = {
  MIRROR_KAFKA_BROKERS: variable({
    key: 'kafka',
    default: 'localhost:9092',
    usedBy: everyone,
    description: 'Kafka bootstrap brokers.',
    expected: 'a comma list of host:port',
    parse: list.refine((brokers) => brokers.length > 0 && brokers.every((broker) => /^[^\s:/]+:\d+$|^\[[0-9a-fA-F:]+\]:\d+$/.test(broker))),
  }),
  MIRROR_KAFKA_SSL: variable({
    key: 'kafka',
    default: 'false',
    usedBy: everyone,
    description: "TLS to Kafka. Extra certificate authorities: Node's own `NODE_EXTRA_CA_CERTS`.",
    expected: 'true or false',
    parse: boolean,
  }),
  MIRROR_KAFKA_SSL_CA_FILE: variable({
    key: 'kafka',
    usedBy: everyone,
    description:
      'Certificate authorities to trust for Kafka, instead of the well-known ones (and of `NODE_EXTRA_CA_CERTS`). Read at start, as the two below.',
    expected: 'the path of a readable PEM file',
    parse: pemFile,
  }),
  MIRROR_KAFKA_SSL_CERT_FILE: variable({
    key: 'kafka',
    usedBy: everyone,
    description: 'Client certificate (mTLS) with its chain, for a Kafka that asks for one. Needs the key below.',
    expected: 'the path of a readable PEM file',
    parse: pemFile,
  }),
  MIRROR_KAFKA_SSL_KEY_FILE: variable({
    key: 'kafka',
    usedBy: everyone,
    description: 'Private key of that certificate, without a passphrase.',
    expected: 'the path of a readable PEM file',
    parse: pemFile,
  }),
  MIRROR_KAFKA_SASL_MECHANISM: variable({
    key: 'kafka',
    usedBy: everyone,
    description: 'SASL mechanism; needs the user name and the password below.',
    expected: 'plain, scram-sha-256 or scram-sha-512',
    parse: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).optional(),
  }),
  MIRROR_KAFKA_SASL_USERNAME: variable({
    key: 'kafka',
    usedBy: everyone,
    description: 'SASL user name.',
    expected: 'text',
    parse: optionalText,
  }),
  MIRROR_KAFKA_SASL_PASSWORD: variable({
    key: 'kafka',
    secret: true,
    usedBy: everyone,
    description: 'SASL password.',
    expected: 'text',
    parse: optionalText,
  }),
  MIRROR_KAFKA_PARTITIONS: variable({
    key: 'partitions',
    default: '96',
    usedBy: ['console', 'cli'],
    description:
      'Partitions of the topics that `mirror init` creates: the upper bound of workers that share the work. Of an installation from 0.1.0: 24, as its topics have.',
    expected: 'a whole number from 1 to 1000',
    parse: integer(1, 1000),
  }),
  MIRROR_KAFKA_REPLICATION_FACTOR: variable({
    key: 'replicationFactor',
    default: 'auto',
    usedBy: ['console', 'cli'],
    description: 'Replicas of the topics that `mirror init` creates; `auto` is 3, or the number of brokers if there are fewer.',
    expected: 'auto, or a whole number from 1 to 10',
    parse: z.union([z.literal('auto').transform(() => null), integer(1, 10)]),
  }),
  MIRROR_KAFKA_RETENTION_DAYS: variable({
    key: 'retentionMs',
    default: '30',
    usedBy: ['console', 'cli'],
    description: 'How long the log keeps events: how far back the mirror can be rebuilt from it.',
    expected: 'a number of days above 0',
    parse: days,
  }),
  MIRROR_SCHEMA_REGISTRY_URL: variable({
    key: 'schemaRegistry',
    default: 'http://localhost:8081',
    usedBy: everyone,
    description: 'Base URL of a Confluent-compatible schema registry.',
    expected: 'an http(s) URL',
    parse: httpUrl,
  }),
  MIRROR_SCHEMA_REGISTRY_USERNAME: variable({
    key: 'schemaRegistry',
    usedBy: everyone,
    description: 'User name for the registry (basic auth).',
    expected: 'text',
    parse: optionalText,
  }),
  MIRROR_SCHEMA_REGISTRY_PASSWORD: variable({
    key: 'schemaRegistry',
    secret: true,
    usedBy: everyone,
    description: 'Password for the registry.',
    expected: 'text',
    parse: optionalText,
  }),
  MIRROR_MONGODB_URI: variable({
    key: 'mongodbUri',
    default: 'mongodb://localhost:27017/notion_mirror?replicaSet=rs0',
    secret: true,
    usedBy: everyone,
    description: 'MongoDB, a replica set (change streams need one). The path names the database.',
    expected: 'a mongodb:// or mongodb+srv:// URI',
    parse: z.string().regex(/^mongodb(\+srv)?:\/\/\S+$/),
  }),
  MIRROR_TOPIC_PREFIX: variable({
    key: 'topicPrefix',
    default: '',
    usedBy: everyone,
    description: 'Prefix of topics, consumer groups and registry subjects, used as it is, so that several mirrors can share one cluster.',
    expected: 'up to 100 letters, digits, dots, dashes or underscores',
    parse: z.string().regex(/^[A-Za-z0-9._-]{0,100}$/),
  }),
  MIRROR_HTTP_HOST: variable({
    key: 'http',
    default: '0.0.0.0',
    usedBy: ['ingress'],
    description: 'Address that the public port listens on.',
    expected: 'an IP address or host name',
    parse: text.min(1),
  }),
  MIRROR_HTTP_PORT: variable({
    key: 'http',
    default: '3000',
    usedBy: ['ingress'],
    description: 'The public port. It serves `/webhooks/*` and nothing else.',
    expected: 'a port number (0: any free one)',
    parse: integer(0, 65_535),
  }),
  MIRROR_OPS_HOST: variable({
    key: 'ops',
    default: '127.0.0.1',
    usedBy: ['ingress', 'sync-worker', 'delete-worker', 'console'],
    description: 'Address that the operations port listens on. In a container set it to `0.0.0.0` (our image does).',
    expected: 'an IP address or host name',
    parse: text.min(1),
  }),
  MIRROR_OPS_PORT: variable({
    key: 'ops',
    usedBy: ['ingress', 'sync-worker', 'delete-worker', 'console'],
    description: '`/livez`, `/readyz` and `/metrics`. Default: ingress 3100, sync-worker 3101, delete-worker 3102, console 3103.',
    expected: 'a port number (0: any free one)',
    parse: integer(0, 65_535).optional(),
  }),
  MIRROR_NANGO_SIGNING_KEYS: variable({
    key: 'nangoSigningKeys',
    secret: true,
    usedBy: ['ingress', 'console', 'cli'],
    description:
      "Nango's webhook signing keys. Any of them may match: Nango rotates without overlap, so list the new one alongside the old one first.",
    expected: 'a comma list of keys',
    parse: list,
  }),
  MIRROR_NANGO_URL: variable({
    key: 'nango',
    default: 'https://api.nango.dev',
    usedBy: ['sync-worker', 'console', 'cli'],
    description: 'Base URL of the Nango API.',
    expected: 'an http(s) URL',
    parse: httpUrl,
  }),
  MIRROR_NANGO_API_KEY: variable({
    key: 'nango',
    secret: true,
    usedBy: ['sync-worker', 'console', 'cli'],
    description: 'Nango API key that may read credentials (`environment:connections:read_credentials`).',
    expected: 'text',
    parse: optionalText,
  }),
  MIRROR_NANGO_TOKEN_SECONDS: variable({
    key: 'tokenMs',
    default: '300',
    usedBy: ['sync-worker', 'console', 'cli'],
    description:
      "How long a Notion token is used before it is fetched from Nango again. Nango's cloud answers 200 to 2,000 calls a minute: use a longer time with many tenants. A token that Notion refuses is fetched again at once.",
    expected: 'a number of seconds from 1 to 86400',
    parse: duration(second, 1, 86_400),
  }),
  MIRROR_CONNECTION_TENANT: variable({
    key: 'tenantOfConnection',
    default: 'notion-workspace',
    usedBy: ['sync-worker'],
    description:
      'The tenant that a new connection at Nango belongs to: `notion-workspace` (the tenant has the id of the Notion workspace), `tag:<name>` (the value of that tag of the connection, e.g. `tag:organization_id`; one without it is left to you), or `off` (only what `mirror connections add` adds).',
    expected: 'notion-workspace, tag:<name> or off',
    parse: z
      .string()
      .regex(/^(notion-workspace|off|tag:\S+)$/)
      .transform((rule) => {
        if (rule === 'off') return null;
        return rule === 'notion-workspace'
          ? ({ from: 'notion-workspace' } as const)
          : ({ from: 'tag', tag: rule.slice('tag:'.length) } as const);
      }),
  }),
  MIRROR_NOTION_API_URL: variable({
    key: 'notionApiUrl',
    default: 'https://api.notion.com',
    usedBy: ['sync-worker', 'console', 'cli'],
    description: 'Base URL of the Notion API.',
    expected: 'an http(s) URL',
    parse: httpUrl,
  }),
  MIRROR_NOTION_REQUESTS_PER_MINUTE: variable({
    key: 'notionRequestsPerMinute',
    default: '180',
    usedBy: ['sync-worker', 'console', 'cli'],
    description: 'Initial rate budget of a connection, in requests per 60 s; it adapts to the answers.',
    expected: 'a whole number from 1 to 100000',
    parse: integer(1, 100_000),
  }),
  MIRROR_NOTION_TIMEOUT_SECONDS: variable({
    key: 'notionTimeoutMs',
    default: '60',
    usedBy: ['sync-worker', 'console', 'cli'],
    description: 'How long one call to Notion may take, its body included.',
    expected: 'a number of seconds from 1 to 300',
    parse: duration(second, 1, 300),
  }),
  MIRROR_NOTION_VERIFICATION_TOKENS: variable({
    key: 'notionVerificationTokens',
    secret: true,
    usedBy: ['ingress', 'console', 'cli'],
    description: 'Verification tokens of direct Notion webhook subscriptions. Any of them may match. When set, no handshake is taken.',
    expected: 'a comma list of tokens',
    parse: list,
  }),
  MIRROR_NOTION_HANDSHAKE: variable({
    key: 'notionHandshake',
    default: 'first',
    usedBy: ['ingress', 'console', 'cli'],
    description:
      'Whether the ingress takes the handshake of a direct Notion subscription: `first` keeps the first verification token it is sent, `off` none. Set `off` when every event comes through Nango.',
    expected: 'first or off',
    parse: z.enum(['first', 'off']),
  }),
  MIRROR_CLOCK_TOLERANCE_SECONDS: variable({
    key: 'clockToleranceMs',
    default: '10',
    usedBy: ['sync-worker', 'delete-worker', 'console', 'cli'],
    description: "How far Notion's clock and ours may disagree. A larger value costs fetches, never truth.",
    expected: 'a number of seconds from 0 to 3600',
    parse: duration(second, 0, 3600),
  }),
  MIRROR_RECONCILE_INTERVAL_HOURS: variable({
    key: 'reconcileIntervalMs',
    default: '6',
    usedBy: ['sync-worker'],
    description: 'How often each tenant is compared with Notion, to find changes that no webhook reported. Each tenant has its own minute.',
    expected: 'a number of hours from 0.01 to 720',
    parse: duration(hour, 0.01, 720),
  }),
  MIRROR_ROWS: variable({
    key: 'rows',
    default: 'on',
    usedBy: everyone,
    description: 'Whether the rows of the databases are mirrored, too. The same for every service.',
    expected: 'on or off',
    parse: z.enum(['on', 'off']),
  }),
  MIRROR_NOTION_LAG_SECONDS: variable({
    key: 'notionLagMs',
    default: '60',
    usedBy: ['sync-worker', 'delete-worker'],
    description:
      "How far the answer of a query of rows may be behind Notion. A larger value costs single reads and waits; a value that is too small can leave a row in an older state until its data source's next scan.",
    expected: 'a number of seconds from 0 to 3600',
    parse: duration(second, 0, 3600),
  }),
  MIRROR_ROWS_SCAN_HOURS: variable({
    key: 'rowsScanMs',
    default: '24',
    usedBy: ['sync-worker'],
    description: 'How often all rows of each data source are compared with Notion, to find changes that nothing announced.',
    expected: 'a number of hours from 0.01 to 720',
    parse: duration(hour, 0.01, 720),
  }),
  MIRROR_ROWS_FLOOD_EVENTS: variable({
    key: 'floodEvents',
    default: '2000',
    usedBy: ['sync-worker'],
    description:
      'From how many waiting events about the rows of one data source on a scan of all its rows is wanted instead, so that they need not wait in memory. The same holds for events about the databases of one tenant, which is then compared with Notion.',
    expected: 'a number from 50 to 1000000',
    parse: integer(50, 1_000_000),
  }),
  MIRROR_TOMBSTONE_TTL_DAYS: variable({
    key: 'tombstoneTtlMs',
    default: '30',
    usedBy: ['console', 'cli'],
    description: 'How long the tombstone of a removed database is kept. At least as long as the log keeps events.',
    // A worker remembers its writes for ten minutes, and a tombstone must last longer than that.
    expected: 'a number of days, 0.05 or more',
    parse: duration(day, 0.05, 3650),
  }),
  MIRROR_SCHEMA_HISTORY_DAYS: variable({
    key: 'schemaHistoryMs',
    default: '400',
    usedBy: ['console', 'cli'],
    description: "How long the changes of data sources' properties are kept in MongoDB (`schema_changes`). `mirror init` applies it.",
    expected: 'a number of days from 1 to 3650',
    parse: duration(day, 1, 3650),
  }),
  MIRROR_OUTCOME_RETENTION_DAYS: variable({
    key: 'outcomeRetentionMs',
    default: '14',
    usedBy: everyone,
    description: 'How long the outcome of each event is kept in MongoDB, for `mirror explain`; 0: outcomes are not kept.',
    expected: 'a number of days, or 0',
    parse: z.union([z.literal('0').transform(() => 0), days]),
  }),
  MIRROR_OPERATOR: variable({
    key: 'operator',
    usedBy: ['cli'],
    description:
      'Who runs `mirror`, for the [audit trail](cli.md#who-did-what); default: the user of the operating system, which in a container is the same for everyone.',
    expected: 'a name of at most 100 characters, without control characters',
    parse: z
      .string()
      .trim()
      .regex(/^\P{Cc}{1,100}$/u)
      .optional(),
  }),
  MIRROR_TRACE_URL: variable({
    key: 'traceUrl',
    usedBy: ['console', 'cli'],
    description:
      'Where to look at a trace, with `{traceId}` in the place of its id: `mirror explain` and the console then link to it ([tracing](tracing.md)).',
    expected: 'an http:// or https:// URL with {traceId} in it',
    parse: z
      .string()
      .refine((value) => /^https?:\/\//.test(value) && value.includes('{traceId}') && URL.canParse(value))
      .optional(),
  }),
  MIRROR_SILENCE_HOURS: variable({
    key: 'silenceMs',
    default: '24',
    usedBy: ['sync-worker', 'console', 'cli'],
    description:
      'After how many hours without a webhook a tenant counts as silent, when a comparison with Notion found edits meanwhile; 0: never. Needs outcomes to be kept.',
    expected: 'a whole number from 0 to 8760',
    parse: integer(0, 8_760).transform((hours) => hours * hour),
  }),
  MIRROR_ENCRYPTION_KEY: variable({
    key: 'encryptionKey',
    secret: true,
    usedBy: ['ingress', 'sync-worker', 'console', 'cli'],
    description: 'Encrypts stored Notion tokens (AES-256-GCM). Make one with `openssl rand -base64 32`.',
    expected: '32 bytes in base64',
    parse: z
      .string()
      .optional()
      .transform((value) => (value === undefined ? null : Buffer.from(value, 'base64')))
      .refine((key) => key === null || key.length === 32),
  }),
  MIRROR_CONSOLE_HOST: variable({
    key: 'consoleHttp',
    default: '127.0.0.1',
    usedBy: ['console'],
    description:
      'Address that the operator console listens on. Without authentication (`MIRROR_CONSOLE_ACCESS=off`) it must be a loopback address.',
    expected: 'an IP address or host name',
    parse: text.min(1),
  }),
  MIRROR_CONSOLE_PORT: variable({
    key: 'consoleHttp',
    default: '3200',
    usedBy: ['console'],
    description: "The console's port.",
    expected: 'a port number (0: any free one)',
    parse: integer(0, 65_535),
  }),
  MIRROR_CONSOLE_ORIGIN: variable({
    key: 'consoleOrigin',
    usedBy: ['console'],
    description:
      'Where browsers find the console, when that is not localhost: `https://mirror.example.com`. Requests that name another host are refused.',
    expected: 'an http(s) URL without a path',
    parse: z
      .string()
      .optional()
      .transform((value) => value?.replace(/\/+$/, ''))
      .refine((value) => value === undefined || (URL.canParse(value) && /^https?:/.test(value) && new URL(value).origin === value)),
  }),
  MIRROR_CONSOLE_ACCESS: variable({
    key: 'consoleAccess',
    default: 'off',
    usedBy: ['console'],
    description:
      'Who may use the console. `off`: everyone who reaches the port, which must be on a loopback address; `tokens`: named tokens; `proxy`: a proxy in front of it that signs users in.',
    expected: 'off, tokens or proxy',
    parse: z.enum(['off', 'tokens', 'proxy']),
  }),
  MIRROR_CONSOLE_TOKENS: variable({
    key: 'consoleTokens',
    secret: true,
    usedBy: ['console'],
    description: 'One line for each token, as `mirror console token <name>` prints it: name, role, hash. Read at start.',
    expected: 'lines of a name, `viewer` or `operator`, and `sha256:` with 64 hexadecimal digits',
    parse: consoleTokens,
  }),
  MIRROR_CONSOLE_SESSION_KEY: variable({
    key: 'consoleSessionKey',
    secret: true,
    usedBy: ['console'],
    description:
      "Signs the cookies of who has signed in. Without it a restart signs everybody out, and several consoles do not know each other's cookies.",
    expected: 'at least 32 characters',
    parse: z
      .string()
      .optional()
      .refine((value) => value === undefined || value.length >= 32),
  }),
  MIRROR_CONSOLE_PROXY_SECRET: variable({
    key: 'consoleProxy',
    secret: true,
    usedBy: ['console'],
    description: 'What the proxy sends in the header `x-console-proxy-secret`. Without it no header of a user is believed.',
    expected: 'at least 32 characters',
    parse: z
      .string()
      .optional()
      .refine((value) => value === undefined || value.length >= 32),
  }),
  MIRROR_CONSOLE_USER_HEADER: variable({
    key: 'consoleProxy',
    default: 'x-forwarded-user',
    usedBy: ['console'],
    description: "The proxy's header with the name of the user.",
    expected: 'the name of a header',
    parse: headerName,
  }),
  MIRROR_CONSOLE_GROUPS_HEADER: variable({
    key: 'consoleProxy',
    default: 'x-forwarded-groups',
    usedBy: ['console'],
    description: "The proxy's header with the groups of the user, separated by commas.",
    expected: 'the name of a header',
    parse: headerName,
  }),
  MIRROR_CONSOLE_OPERATOR_GROUPS: variable({
    key: 'consoleProxy',
    usedBy: ['console'],
    description: 'Groups whose members are operators. Empty: the proxy lets in no operator.',
    expected: 'a comma list of groups',
    parse: list,
  }),
  MIRROR_CONSOLE_VIEWER_GROUPS: variable({
    key: 'consoleProxy',
    usedBy: ['console'],
    description: 'Groups whose members are viewers. Empty: everyone whom the proxy lets in is one.',
    expected: 'a comma list of groups',
    parse: list,
  }),
  MIRROR_CONSOLE_CONTENT: variable({
    key: 'consoleContent',
    default: 'on',
    usedBy: ['console'],
    description: "`off` hides customers' texts: titles, properties, rows, raw objects and values of differences.",
    expected: 'on or off',
    parse: z.enum(['on', 'off']),
  }),
  MIRROR_CONSOLE_INGRESS_URL: variable({
    key: 'consoleIngressUrl',
    usedBy: ['console'],
    description: 'The base URL of a running ingress, where the console redrives unreadable webhooks to. Without it they are held back.',
    expected: 'an http(s) URL',
    parse: httpUrl.optional(),
  }),
  MIRROR_CONSOLE_PAGE: variable({
    key: 'consolePage',
    usedBy: ['console'],
    description: 'The folder of the built page. Default: `services/console/page/dist`.',
    expected: 'the path of a folder',
    parse: optionalText,
  }),
  MIRROR_SHUTDOWN_SECONDS: variable({
    key: 'shutdownMs',
    default: '8',
    usedBy: ['ingress', 'sync-worker', 'delete-worker', 'console'],
    description: 'How long a service may take to stop after SIGTERM before it exits with code 1. Keep it below your grace period.',
    expected: 'a number of seconds from 1 to 300',
    parse: duration(second, 1, 300),
  }),
  MIRROR_LOG_LEVEL: variable({
    key: 'logLevel',
    default: 'info',
    usedBy: everyone,
    description: 'Least important level that is logged.',
    expected: 'trace, debug, info, warn, error, fatal or silent',
    parse: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  }),
} as const;

export type VariableName = keyof typeof variables;

export const variableEntries = Object.entries(variables) as readonly [VariableName, Variable][];

/** The parsed value of each variable. */
export type Values = { readonly [N in VariableName]: (typeof variables)[N] extends Variable<infer T> ? T : never };
