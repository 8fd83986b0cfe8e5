import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { Connection } from '@notion-mirror/domain/connection';
import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { isolatedLog, until } from '@notion-mirror/event-log/testing/isolated-log';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { openConnectionDirectory, type ConnectionDirectory } from '@notion-mirror/mirror-store/connection-directory';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { operatedEntities } from '@notion-mirror/operations/entities';
import { createRedactor } from '@notion-mirror/operations/secrets';
import { loadConfig } from '@notion-mirror/service-kit/config';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { startConsole, type Console } from '../console.ts';

export interface Stack {
  readonly kafkaBrokers: string;
  readonly schemaRegistryUrl: string;
  readonly mongodbUri: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON. */
  readonly json: unknown;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Does not wait for the body, which may have no end, unless it is an error's. */
  readonly headOnly?: boolean;
}

/** A console on servers of its own names. For tests. */
export interface TestConsole extends Consoles {
  /** For a process of its own. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: ReturnType<typeof isolatedLog>;
  readonly directory: Pick<ConnectionDirectory, 'all'>;
  connect(connection: Partial<Connection> & { readonly workspaceId: string }): Promise<void>;
}

/** Consoles on servers that exist. */
export interface Consoles {
  readonly mongo: Mongo;
  start(env: Readonly<Record<string, string>>): Promise<RunningConsole>;
  close(): Promise<void>;
}

export interface RunningConsole {
  readonly port: number;
  /** Sends the head as given: fetch adds or refuses headers. */
  ask(path: string, asked?: Asked): Promise<Reply>;
  /** The JSON of a GET; throws the error of another status than 200. */
  get<T>(path: string): Promise<T>;
  /** The JSON of a POST of this body, as the page sends it; throws the error of another status than 200. */
  post<T>(path: string, body: object): Promise<T>;
  /** The messages of a stream as they come, until the loop is left. */
  follow(
    path: string,
    headers?: Readonly<Record<string, string>>,
  ): AsyncGenerator<{ readonly event: string; readonly data: unknown; readonly id: string | null }>;
  stop(): Promise<void>;
}

const logger = createLogger({ service: 'console', level: 'silent' });

/** `env`: as the console's process has it, without its port. */
export async function consolesOn(env: Readonly<Record<string, string>>): Promise<Consoles & { readonly directory: ConnectionDirectory }> {
  const mongo = await openMongo(env['MIRROR_MONGODB_URI'] ?? '', { appName: 'console-test' });
  const directory = await openConnectionDirectory({ db: mongo.db, logger, metrics: new Registry() });
  const running: Console[] = [];
  return {
    mongo,
    directory,
    async start(change) {
      const all = { MIRROR_CONSOLE_PORT: '0', MIRROR_CONSOLE_PAGE: '/nowhere', ...env, ...change };
      const config = loadConfig(all, 'console');
      const clientName = 'notion-mirror.console';
      const context = {
        config,
        entities: operatedEntities,
        clientName,
        logger,
        signal: new AbortController().signal,
        redact: createRedactor(config),
        onProgress: () => {},
      };
      const kafka = createKafka({ ...config.kafka, clientId: clientName, logger });
      const console = await startConsole({ config, env: all, context, mongo, kafka, directory, metrics: new Registry(), logger });
      running.push(console);
      return runningConsole(console);
    },
    async close() {
      await Promise.all(running.map((console) => console.stop()));
      await directory.close();
      await mongo.close();
    },
  };
}

export async function openTestConsole(stack: Stack): Promise<TestConsole> {
  const log = isolatedLog(stack);
  await log.init(2);
  const uri = new URL(stack.mongodbUri);
  uri.pathname = `/console_${randomUUID().slice(0, 8)}`;
  const env = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: uri.href,
    MIRROR_TOPIC_PREFIX: log.prefix,
  };
  const consoles = await consolesOn(env);
  const { mongo, directory } = consoles;
  await initMongo(mongo.db, { storages: [databaseStorage, rowStorage], tombstoneTtlMs: 3_600_000, schemaHistoryMs: 3_600_000 });
  const store = createConnectionStore(mongo.db);
  return {
    ...consoles,
    env,
    log,
    async connect({ workspaceId, connectionId = `of-${workspaceId}`, status = 'active' }) {
      await store.add({ connectionId, providerConfigKey: 'notion', workspaceId, notionWorkspaceId: 'n1', botId: null, token: null });
      if (status === 'paused') await store.pause(connectionId, null);
      await directory.refresh({ connectionId });
      await until(() => directory.byId(connectionId)?.status === status);
    },
    async close() {
      await mongo.db.dropDatabase();
      await consoles.close();
      await log.remove();
    },
  };
}

function runningConsole(console: Console): RunningConsole {
  const { port } = console;
  const ask: RunningConsole['ask'] = (path, { method = 'GET', headers = {}, body, headOnly = false } = {}) =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
        const status = response.statusCode ?? 0;
        if (headOnly && status < 400) {
          response.destroy();
          resolve({ status, headers: response.headers, text: '', json: null });
          return;
        }
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const json: unknown = response.headers['content-type']?.includes('json') === true ? JSON.parse(text) : null;
          resolve({ status, headers: response.headers, text, json });
        });
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    port,
    ask,
    async get<T>(path: string) {
      const { status, text, json } = await ask(path);
      if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
      return json as T;
    },
    async post<T>(path: string, body: object) {
      const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
      const { status, text, json } = await ask(path, { method: 'POST', headers, body });
      if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
      return json as T;
    },
    async *follow(path, headers = {}) {
      const leaving = new AbortController();
      try {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { ...headers }, signal: leaving.signal });
        if (response.body === null || response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
        let rest = '';
        for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
          const parts = (rest + chunk).split('\n\n');
          rest = parts.pop() ?? '';
          for (const part of parts) {
            const fields = new Map(
              part.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]),
            );
            const event = fields.get('event');
            if (event !== undefined) yield { event, data: JSON.parse(fields.get('data') ?? 'null'), id: fields.get('id') ?? null };
          }
        }
      } finally {
        leaving.abort();
      }
    },
    stop: () => console.stop(),
  };
}
