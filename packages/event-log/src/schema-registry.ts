import { DeadlineError, withDeadline } from '@notion-mirror/service-kit/async/deadline';
import { SchemaRegistry, SchemaType, COMPATIBILITY } from '@kafkajs/confluent-schema-registry';
import avro from 'avsc';

export interface SchemaRegistrySettings {
  /** Confluent-compatible base URL. A user and password in it are used and never printed. */
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
}

/**
 * - `unknown`: the registry knows no such subject or schema (404).
 * - `refused`: it will not take the schema: incompatible, or not a schema (409, 422).
 * - `unusable`: it answered, but not with an Avro schema.
 * - `unavailable`: no answer, or one that it cannot serve us now: also 401 and 403, and a redirect, which credentials do not follow.
 */
export type SchemaRegistryFailure = 'unknown' | 'refused' | 'unusable' | 'unavailable';

export class SchemaRegistryError extends Error {
  override readonly name = 'SchemaRegistryError';
  readonly reason: SchemaRegistryFailure;

  constructor(reason: SchemaRegistryFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** All methods reject with SchemaRegistryError; its message holds the registry's address, never its credentials. */
export interface SchemaRegistryClient {
  /** The id under which `subject` holds exactly this schema. */
  idOf(subject: string, schema: string): Promise<number>;
  /** The Avro schema with this id. */
  schemaOf(id: number): Promise<avro.Type>;
  /** The same, never from memory. */
  freshSchemaOf(id: number): Promise<avro.Type>;
  /** Registers a version (safe to repeat) under a subject whose compatibility is, or becomes, FULL_TRANSITIVE. */
  register(subject: string, schema: string): Promise<number>;
  /** E.g. `FULL_TRANSITIVE`; null when the subject has none of its own. */
  compatibilityOf(subject: string): Promise<string | null>;
  setCompatibility(subject: string, level: string): Promise<void>;
}

const requestMs = 3_000;

/** Every call ends within `deadlineMs`. */
export function connectSchemaRegistry(settings: SchemaRegistrySettings, deadlineMs = 10_000): SchemaRegistryClient {
  const { url, credentials } = splitCredentials(settings);
  const authorization =
    credentials === null ? null : `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  /** An answer may quote these. */
  const secrets = [credentials?.password, authorization].filter((secret) => typeof secret === 'string' && secret !== '').map(String);
  let registry = open();

  function open(): SchemaRegistry {
    return new SchemaRegistry({
      host: url,
      clientId: 'notion-mirror',
      retry: { retries: 1, initialRetryTimeInSecs: 0.1, maxRetryTimeInSecs: 1 },
      ...(credentials === null ? {} : { auth: credentials }),
      middlewares: [
        () => ({
          prepareRequest: async (next) => (await next()).enhance({ timeout: requestMs }),
          // The library mistakes a redirect for an empty answer. It wants failures as responses.
          response: async (next) => {
            const response = await next();
            // oxlint-disable-next-line prefer-promise-reject-errors
            return response.status() >= 300 && response.status() < 400 ? Promise.reject(response) : response;
          },
        }),
      ],
    });
  }

  async function ask<T>(what: string, question: (registry: SchemaRegistry) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(question(registry), { ms: deadlineMs, message: `no answer in ${deadlineMs} ms` });
    } catch (error) {
      if (error instanceof SchemaRegistryError) throw error;
      if (!(error instanceof DeadlineError)) throw failure(what, error, reasonOf(error));
      // The library shares the first request among all callers that look up the same id, even when that one never ends.
      registry = open();
      throw failure(what, error, 'unavailable');
    }
  }

  async function request(what: string, method: 'GET' | 'PUT', path: string, body?: object): Promise<unknown> {
    try {
      const response = await fetch(`${url}${path}`, {
        method,
        redirect: 'manual',
        headers: {
          accept: 'application/json',
          'content-type': 'application/vnd.schemaregistry.v1+json',
          ...(authorization === null ? {} : { authorization }),
        },
        signal: AbortSignal.timeout(deadlineMs),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw Object.assign(new Error(`status ${response.status}`), { status: response.status });
      return await response.json();
    } catch (error) {
      throw failure(what, error, statusOf(error) === null ? 'unavailable' : reasonOf(error));
    }
  }

  /** Without a cause: errors of HTTP clients carry addresses and headers. */
  function failure(what: string, error: unknown, reason: SchemaRegistryFailure): SchemaRegistryError {
    const message = `schema registry ${url}: ${what}: ${reasonText(error)}`;
    return new SchemaRegistryError(
      reason,
      secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message),
    );
  }

  return {
    idOf: (subject, schema) =>
      ask(`looking up the schema of ${subject}`, (client) => client.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema })),

    schemaOf: (id) => ask(`reading schema ${id}`, async (client) => avroTypeOf(await client.getSchema(id))),

    freshSchemaOf: (id) => ask(`reading schema ${id}`, async () => avroTypeOf(await open().getSchema(id))),

    register: (subject, schema) =>
      ask(`registering a schema of ${subject}`, async (client) => {
        const { id } = await client.register({ type: SchemaType.AVRO, schema }, { subject, compatibility: COMPATIBILITY.FULL_TRANSITIVE });
        return id;
      }),

    async compatibilityOf(subject) {
      try {
        const answer = await request(`reading the compatibility of ${subject}`, 'GET', `/config/${encodeURIComponent(subject)}`);
        return levelIn(answer);
      } catch (error) {
        if (error instanceof SchemaRegistryError && error.reason === 'unknown') return null;
        throw error;
      }
    },

    async setCompatibility(subject, level) {
      await request(`setting the compatibility of ${subject}`, 'PUT', `/config/${encodeURIComponent(subject)}`, { compatibility: level });
    },
  };
}

/** Short: a proxy in between may answer with a page. fetch hides the actual failure in a cause. */
function reasonText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const why = error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
  const status = statusOf(error);
  const text = status === null || why.includes(`status ${status}`) ? why : `status ${status}: ${why}`;
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}

function splitCredentials({ url, username, password }: SchemaRegistrySettings): {
  url: string;
  credentials: { username: string; password: string } | null;
} {
  const parsed = new URL(url);
  const user = username ?? decodeURIComponent(parsed.username);
  const secret = password ?? decodeURIComponent(parsed.password);
  parsed.username = '';
  parsed.password = '';
  return {
    url: parsed.href.replace(/\/+$/, ''),
    credentials: user === '' && secret === '' ? null : { username: user, password: secret },
  };
}

/** The library does not export its error classes, reports a network failure as status 400, and a 404 of a lookup by schema without its status. */
function reasonOf(error: unknown): SchemaRegistryFailure {
  const status = statusOf(error);
  if (status === 404) return 'unknown';
  if (status === 409 || status === 422) return 'refused';
  if (status !== null) return 'unavailable';
  if (!(error instanceof Error)) return 'unavailable';
  if (error.name === 'ConfluentSchemaRegistryError') return 'unknown';
  return error.name === 'ConfluentSchemaRegistryCompatibilityError' ? 'refused' : 'unusable';
}

function statusOf(error: unknown): number | null {
  return error instanceof Error && 'status' in error && typeof error.status === 'number' ? error.status : null;
}

/** By way of its text: the library may bring its own copy of avsc. */
function avroTypeOf(schema: unknown): avro.Type {
  return avro.Type.forSchema(JSON.parse(JSON.stringify(schema)) as avro.Schema);
}

function levelIn(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null) return null;
  const { compatibilityLevel, compatibility } = answer as { compatibilityLevel?: unknown; compatibility?: unknown };
  const level = compatibilityLevel ?? compatibility;
  return typeof level === 'string' ? level.toUpperCase() : null;
}
