import { isRowKind, kindOfEventType, type EventKind } from '@notion-mirror/domain/database-event';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import { problemOfId } from '@notion-mirror/domain/opaque-id';
import { z } from 'zod';
import { readJson, type JsonProblem } from './json-body.ts';

export type Route = 'nango' | 'notion';

/** The parts of a webhook about a database, or about a row in one, that the mirror needs. Ids are canonical (dashed, lower case). */
export interface DatabaseNotice {
  /** Notion's id of the event, the same for every connection that gets it. */
  readonly eventId: string;
  readonly type: string;
  readonly kind: EventKind;
  readonly notionWorkspaceId: string;
  /**
   * Known for `database.*`; a hint for `data_source.*`, where Notion may name the page above instead (then null). For `page.*` the database that is the
   * page's parent, with its data source; null: another parent.
   */
  readonly databaseId: string | null;
  readonly dataSourceId: string | null;
  /** Of `page.*`. */
  readonly pageId: string | null;
  readonly occurredAt: Date;
  /** Bots that can read the entity; empty for internal integrations, which do not report them. */
  readonly accessibleBy: readonly string[];
}

export interface ConnectionName {
  readonly connectionId: string;
  readonly providerConfigKey: string;
}

export type BodyProblem = JsonProblem | 'not_an_object' | 'bad_fields';

export type Webhook =
  /** `connection`: the one matched by Nango; null when it matched none, and for Notion's own webhooks. */
  | { readonly kind: 'database_event'; readonly notice: DatabaseNotice; readonly connection: ConnectionName | null }
  /** A linked view of a database elsewhere; the API cannot read it. */
  | { readonly kind: 'linked_database'; readonly notice: DatabaseNotice; readonly connection: ConnectionName | null }
  /** An event about a page. `rows_off`: rows are not mirrored. `not_a_row`: its parent is no database. */
  | { readonly kind: 'unmirrored_page'; readonly type: string; readonly reason: 'rows_off' | 'not_a_row' }
  /** An event that concerns neither databases nor pages, or an unknown type (Notion and Nango add types without notice). */
  | { readonly kind: 'unsupported'; readonly type: string; readonly eventId: string | null }
  /** The first request of a Notion subscription. */
  | { readonly kind: 'handshake'; readonly token: string }
  /** Nango's notice about a connection: created, reauthorised, broken, deleted. */
  | {
      readonly kind: 'auth';
      readonly operation: string | null;
      readonly success: boolean;
      /** Null when the body does not name one. */
      readonly connection: ConnectionName | null;
      readonly provider: string | null;
    }
  /** `detail` names fields, never their values. */
  | { readonly kind: 'unreadable'; readonly problem: BodyProblem; readonly detail: string };

/**
 * Parses the body of a webhook. Strict only about fields that the mirror needs, because a refused event is a lost one. Never throws. `rows`: whether
 * they are mirrored; if not, only the type of an event about a page is checked.
 * Sources: Nango `packages/webhooks/lib/forward.ts`, `@nangohq/types` (`NangoForwardWebhookBody`); `@notionhq/client` 5.26.0 `webhooks.ts`.
 */
export function readWebhook(route: Route, raw: Buffer, rows: 'on' | 'off'): Webhook {
  const json = readJson(raw);
  if (!json.ok) return { kind: 'unreadable', problem: json.problem, detail: json.problem };
  const body = json.value;
  if (!isObject(body)) return notAnObject;
  if (route === 'nango' && body['type'] === 'forward') return readForwarded(body, rows);
  if (route === 'nango' && body['type'] === 'auth') return readAuth(body);
  return readNotionBody(body, null, rows);
}

function readForwarded(body: Body, rows: 'on' | 'off'): Webhook {
  const wrapper = forwardBody.safeParse(body);
  if (!wrapper.success) return badFields(wrapper.error);
  const { connectionId, providerConfigKey, from, payload } = wrapper.data;
  // One URL receives the webhooks of every integration in the Nango environment; another provider's body may have any form.
  if (from !== null && from !== 'notion' && !(isObject(payload) && isDatabaseType(payload['type']))) {
    return { kind: 'unsupported', type: `forward from ${clip(from)}`, eventId: null };
  }
  if (!isObject(payload)) return { kind: 'unreadable', problem: 'bad_fields', detail: 'payload' };
  if (connectionId === null) return readNotionBody(payload, null, rows);
  if (providerConfigKey === null) return { kind: 'unreadable', problem: 'bad_fields', detail: 'providerConfigKey' };
  return readNotionBody(payload, { connectionId, providerConfigKey }, rows);
}

function readNotionBody(body: Body, connection: ConnectionName | null, rows: 'on' | 'off'): Webhook {
  if (body['type'] === undefined && body['verification_token'] !== undefined) {
    const handshake = handshakeBody.safeParse(body);
    return handshake.success ? { kind: 'handshake', token: handshake.data.verification_token } : badFields(handshake.error);
  }
  const { type } = body;
  if (typeof type !== 'string') return { kind: 'unreadable', problem: 'bad_fields', detail: 'type' };
  const kind = kindOfEventType(type);
  // Only the type is checked: other events may have any form (`file_upload.*` has no `data`).
  if (kind === null) {
    const { id } = body;
    return { kind: 'unsupported', type: clip(type), eventId: typeof id === 'string' ? clip(id) : null };
  }
  if (isRowKind(kind))
    return rows === 'on' ? readPageEvent(body, type, kind, connection) : { kind: 'unmirrored_page', type, reason: 'rows_off' };
  const event = eventBody.safeParse(body);
  if (!event.success) return badFields(event.error);
  const { entity, data } = event.data;
  const isDataSource = type.startsWith('data_source.');
  const notice: DatabaseNotice = {
    eventId: event.data.id,
    type,
    kind,
    notionWorkspaceId: event.data.workspace_id,
    databaseId: isDataSource ? parentDatabase(data) : entity.id,
    dataSourceId: isDataSource ? entity.id : null,
    pageId: null,
    occurredAt: event.data.timestamp,
    accessibleBy: botsOf(event.data.accessible_by),
  };
  return { kind: entity.type === 'block' ? 'linked_database' : 'database_event', notice, connection };
}

/** Also of a page that is elsewhere now: it may have been a row. */
const wherever: ReadonlySet<string> = new Set(['page.moved', 'page.deleted']);

/** Most pages are no rows, so the parent is checked first, and by hand. */
function readPageEvent(body: Body, type: string, kind: EventKind, connection: ConnectionName | null): Webhook {
  const { data } = body;
  const parent = isObject(data) && isObject(data['parent']) ? data['parent'] : null;
  const isInDatabase = parent?.['type'] === 'database';
  const databaseId = isInDatabase ? idIn(parent['id']) : null;
  if (databaseId === null && !wherever.has(type)) {
    // A page without a readable parent may be a row.
    if (typeof parent?.['type'] !== 'string') return { kind: 'unreadable', problem: 'bad_fields', detail: 'data.parent' };
    if (isInDatabase) return { kind: 'unreadable', problem: 'bad_fields', detail: 'data.parent.id' };
    return { kind: 'unmirrored_page', type, reason: 'not_a_row' };
  }
  const event = eventBody.safeParse(body);
  if (!event.success) return badFields(event.error);
  const notice: DatabaseNotice = {
    eventId: event.data.id,
    type,
    kind,
    notionWorkspaceId: event.data.workspace_id,
    databaseId,
    dataSourceId: databaseId === null ? null : idIn(parent?.['data_source_id']),
    pageId: event.data.entity.id,
    occurredAt: event.data.timestamp,
    accessibleBy: botsOf(event.data.accessible_by),
  };
  return { kind: 'database_event', notice, connection };
}

function idIn(value: unknown): string | null {
  return typeof value === 'string' ? canonicalNotionId(value) : null;
}

type Body = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Absent, null and empty all mean that Nango matched no connection. */
const optionalName = z
  .string()
  .max(1024)
  .nullish()
  .transform((name) => (name === undefined || name === '' ? null : name));

const forwardBody = z.object({
  connectionId: optionalName,
  providerConfigKey: optionalName,
  from: z.string().nullable().catch(null),
  payload: z.unknown().optional(),
});

const optionalText = z.string().transform(clip).nullable().catch(null);

const name = z.string().nullable().catch(null);
const authBody = z.object({
  operation: optionalText,
  success: z.boolean().catch(false),
  connectionId: name,
  providerConfigKey: name,
  provider: optionalText,
});

function readAuth(body: Body): Webhook {
  const { operation, success, connectionId, providerConfigKey, provider } = authBody.parse(body);
  const isNamed = connectionId !== null && providerConfigKey !== null && [connectionId, providerConfigKey].every(isConnectionId);
  return { kind: 'auth', operation, success, provider, connection: isNamed ? { connectionId, providerConfigKey } : null };
}

function isConnectionId(id: string): boolean {
  return problemOfId('connection', id) === null;
}

/** Visible ASCII only: it may be untrusted, and is printed on an operator's terminal. */
const verificationToken = z
  .string()
  .max(1024)
  .regex(/^[\x21-\x7e]+$/);

const handshakeBody = z.object({ verification_token: verificationToken });

const notionId = z.string().transform((text, context) => {
  const id = canonicalNotionId(text);
  if (id !== null) return id;
  context.addIssue('not a Notion id');
  return z.NEVER;
});

const time = z.iso.datetime({ offset: true }).transform((text, context) => {
  const date = new Date(text);
  // Times before 1970 predate Notion, and the log cannot store them.
  if (date.getTime() >= 0) return date;
  context.addIssue('not a time');
  return z.NEVER;
});

const eventBody = z.object({
  id: notionId,
  timestamp: time,
  workspace_id: notionId,
  entity: z.object({ id: notionId, type: z.string() }),
  data: z.unknown().optional(),
  accessible_by: z.unknown().optional(),
});

const parentBody = z.object({ parent: z.object({ id: notionId, type: z.literal('database') }) });

function parentDatabase(data: unknown): string | null {
  const parsed = parentBody.safeParse(data);
  return parsed.success ? parsed.data.parent.id : null;
}

/** Bounds the record header; a single matching bot is enough to choose a connection. */
const maxBots = 100;

/** Written by hand: a schema takes seconds for the half million items that fit into a body, and blocks all other requests meanwhile. */
function botsOf(accessibleBy: unknown): readonly string[] {
  if (!Array.isArray(accessibleBy)) return [];
  const bots = new Set<string>();
  for (const actor of accessibleBy as readonly unknown[]) {
    if (!isObject(actor) || actor['type'] !== 'bot' || typeof actor['id'] !== 'string') continue;
    const id = canonicalNotionId(actor['id']);
    if (id !== null) bots.add(id);
    if (bots.size === maxBots) break;
  }
  return [...bots];
}

function isDatabaseType(type: unknown): boolean {
  const kind = typeof type === 'string' ? kindOfEventType(type) : null;
  return kind !== null && !isRowKind(kind);
}

const notAnObject: Webhook = { kind: 'unreadable', problem: 'not_an_object', detail: 'not_an_object' };

function badFields(error: z.ZodError): Webhook {
  return { kind: 'unreadable', problem: 'bad_fields', detail: error.issues.map((issue) => issue.path.join('.')).join(', ') };
}

/** Truncates untrusted text for log lines. */
function clip(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
