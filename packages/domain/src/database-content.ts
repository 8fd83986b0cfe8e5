/** A value returned by JSON.parse. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Notion's parent, flattened: `type` is Notion's own (`page_id`, `workspace`, `block_id`, `database_id`); `id` is null for a workspace. */
export interface Parent {
  readonly type: string;
  readonly id: string | null;
}

/** A property of a data source. An array element, not a field name: names are free user text. */
export interface PropertyContent {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly description: string | null;
  /** The inner object of the property's type, e.g. `{options: […]}` for a select. */
  readonly config: Json;
}

export interface AccessibleDataSource {
  readonly id: string;
  /** As the container lists it. */
  readonly name: string;
  /** Joined plain text. */
  readonly title: string;
  readonly description: string;
  readonly icon: Json;
  readonly cover: Json;
  readonly url: string | null;
  readonly parent: Parent;
  readonly createdTime: Date | null;
  readonly lastEditedTime: Date | null;
  readonly inTrash: boolean;
  readonly properties: readonly PropertyContent[];
}

/** The container lists it, but the connection cannot read it. */
export interface InaccessibleDataSource {
  readonly id: string;
  readonly name: string;
  readonly accessible: false;
  /** Notion's code for the refusal, such as `restricted_resource` or `validation_error`. Absent for a 404: not shared. */
  readonly reason?: string;
}

export type DataSourceContent = AccessibleDataSource | InaccessibleDataSource;

/** The mirrored content of one Notion database: the container and every data source. `docs/data-model.md` describes each field. */
export interface DatabaseContent {
  readonly title: string;
  readonly description: string;
  readonly url: string | null;
  readonly publicUrl: string | null;
  readonly icon: Json;
  readonly cover: Json;
  readonly parent: Parent;
  readonly isInline: boolean;
  readonly isLocked: boolean;
  readonly createdTime: Date | null;
  readonly lastEditedTime: Date | null;
  readonly dataSources: readonly DataSourceContent[];
  /** Notion's objects as received. */
  readonly raw: { readonly database: JsonObject; readonly dataSources: readonly JsonObject[] };
}
