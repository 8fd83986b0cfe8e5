import type { z } from 'zod';
import type { JsonObject } from '../json.ts';
import type { Actions } from './actions.ts';
import { canSee } from './access.ts';
import { NotionError, objectNotFound, validationError } from './errors.ts';
import { parseId } from './ids.ts';
import type { Actor, DatabaseNode, DataSourceNode, NodeParent, PageNode } from './model.ts';
import type { Renderer } from './render.ts';
import type { World } from './world.ts';

/** One call of the REST API, after token, version and rate limit. */
export interface ApiCall {
  readonly actor: Actor;
  /** The Notion-Version header. */
  readonly version: string;
  /** The canonical id in the path; empty where the path has none. */
  readonly id: string;
  /** The last parameter of the path, decoded once: a property. */
  readonly property: string;
  readonly query: URLSearchParams;
  /** Null when there is none. */
  readonly body: unknown;
}

export interface ApiRoute {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** `:id` stands for the id, `:property` for a property's id. */
  readonly path: string;
  /** The API's name for the path's id in error messages. */
  readonly idName?: string;
  /** Older versions answer 400 invalid_request_url. */
  readonly since?: string;
  readonly run: (call: ApiCall) => JsonObject;
}

export interface ApiParts {
  readonly world: World;
  readonly actions: Actions;
  readonly render: Renderer;
}

/** Parses a body; throws `validation_error` with Notion's wording. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const parsed = schema.safeParse(body ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = ['body', ...(issue?.path ?? []).map(String)].join('.');
  const given = valueAt(body, issue?.path ?? []);
  const complaint = given === undefined ? 'should be defined' : (issue?.message ?? 'should be valid');
  throw validationError(
    `body failed validation: ${path} ${complaint}, instead was \`${given === undefined ? 'undefined' : JSON.stringify(given).slice(0, 100)}\`.`,
  );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), value);
}

export function integrationNameOf(world: World, actor: Actor): string | null {
  return actor.kind === 'bot' ? (world.integrations.get(actor.integrationId)?.name ?? null) : null;
}

/** The object with this id, if the caller sees it. Throws `object_not_found`, and for a linked database the API's error for those. */
export function visibleDatabase({ world }: ApiParts, { actor }: ApiCall, id: string): DatabaseNode {
  const node = world.database(id);
  if (node === undefined || !canSee(world, actor, node) || node.linked === 'object_not_found') {
    throw objectNotFound('database', id, integrationNameOf(world, actor));
  }
  if (node.linked !== null) throw validationError(`Database with ID ${id} does not contain any data sources accessible by this API bot.`);
  return node;
}

export function visibleDataSource({ world }: ApiParts, { actor }: ApiCall, id: string): DataSourceNode {
  const node = world.dataSource(id);
  if (node === undefined || !canSee(world, actor, node)) throw objectNotFound('data_source', id, integrationNameOf(world, actor));
  return node;
}

export function visiblePage({ world }: ApiParts, { actor }: ApiCall, id: string): PageNode {
  const node = world.page(id);
  if (node === undefined || !canSee(world, actor, node)) throw objectNotFound('page', id, integrationNameOf(world, actor));
  return node;
}

/** The properties that `filter_properties` limits a page object to. */
export function shownProperties({ query }: ApiCall): { properties?: readonly string[] } {
  const properties = [...query.getAll('filter_properties'), ...query.getAll('filter_properties[]')];
  return properties.length === 0 ? {} : { properties };
}

/** Parses an id from a body. */
export function bodyId(text: string, path: string): string {
  const id = parseId(text);
  if (id === null) throw validationError(`body failed validation: body.${path} should be a valid uuid, instead was \`"${text}"\`.`);
  return id;
}

export function requireCapability(actor: Actor, capability: 'insert' | 'update'): void {
  if (actor.kind === 'bot' && !actor.capabilities[capability]) {
    throw new NotionError(403, 'restricted_resource', 'Insufficient permissions for this endpoint.');
  }
}

/** A parent from a body, checked to be visible. */
export function requestedParent(
  parts: ApiParts,
  call: ApiCall,
  parent: { readonly page_id?: string | undefined; readonly workspace?: boolean | undefined },
): NodeParent {
  if (parent.page_id === undefined) return { type: 'workspace' };
  return { type: 'page', id: visiblePage(parts, call, bodyId(parent.page_id, 'parent.page_id')).id };
}
