import type { Json, JsonObject } from '../json.ts';
import type { StoredCover, StoredIcon } from './files.ts';
import type { Property } from './properties.ts';

/** Rich text in the API's response form. */
export type RichText = readonly JsonObject[];

export interface Person {
  readonly kind: 'person';
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly email: string;
  /** Acts as this person in Notion's own interface: sees the whole workspace and is never rate limited. */
  readonly token: string;
}

export interface Integration {
  readonly id: string;
  readonly name: string;
  /** `public`: installed by OAuth; its events carry `accessible_by`. */
  readonly type: 'public' | 'internal';
}

export interface Capabilities {
  readonly read: boolean;
  readonly insert: boolean;
  readonly update: boolean;
}

/** An integration installed in a workspace. */
export interface Bot {
  readonly kind: 'bot';
  readonly id: string;
  readonly workspaceId: string;
  readonly integrationId: string;
  readonly ownerId: string;
  token: string;
  readonly capabilities: Capabilities;
  /** Sharing decisions by node. */
  readonly access: Map<string, { readonly visible: boolean; readonly at: number }>;
}

export type Actor = Person | Bot;

export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly ownerId: string;
}

export type NodeParent =
  | { readonly type: 'workspace' }
  | { readonly type: 'teamspace' | 'page' | 'block' | 'database' | 'data_source'; readonly id: string };

interface NodeBase {
  readonly id: string;
  readonly workspaceId: string;
  parent: NodeParent;
  /** The node's own flag; the API's `in_trash` also counts its ancestors. */
  trashed: boolean;
  readonly createdTime: number;
  lastEditedTime: number;
  readonly createdBy: string;
  lastEditedBy: string;
}

export interface TeamspaceNode extends NodeBase {
  readonly kind: 'teamspace';
  readonly name: string;
}

/** What a row stores of one property: the ids of options and related pages; of other types the API's response form. */
export interface Cell {
  readonly type: Property['type'];
  readonly value: Json;
}

export interface PageNode extends NodeBase {
  readonly kind: 'page';
  title: RichText;
  /** A row's cells by property id. */
  values: Map<string, Cell>;
  /** A row's number in its data source, shown by a `unique_id`. */
  number: number | null;
  /** Not trash: the row only moves to another partition of queries. */
  isArchived: boolean;
  /** Lies in the data source like a row, but no query lists it. */
  readonly isTemplate: boolean;
  icon: StoredIcon | null;
  cover: StoredCover | null;
  isLocked: boolean;
  /** Raised by every change of the page itself, and of whether it is in the trash. */
  version: number;
}

/** A block that can contain others, such as a column or a toggle. */
export interface BlockNode extends NodeBase {
  readonly kind: 'block';
}

export interface DatabaseNode extends NodeBase {
  readonly kind: 'database';
  title: RichText;
  description: RichText;
  isInline: boolean;
  isLocked: boolean;
  icon: StoredIcon | null;
  cover: StoredCover | null;
  /** In the order of the container's tabs. */
  dataSourceIds: string[];
  /** Null for an ordinary database; for a linked one, the error the API refuses it with. */
  readonly linked: 'object_not_found' | 'validation_error' | null;
}

export interface DataSourceNode extends NodeBase {
  readonly kind: 'data_source';
  parent: { readonly type: 'database'; readonly id: string };
  title: RichText;
  description: RichText;
  icon: StoredIcon | null;
  cover: StoredCover | null;
  properties: Property[];
  /** The number of the last row that was added. */
  lastRowNumber: number;
}

export type Node = TeamspaceNode | PageNode | BlockNode | DatabaseNode | DataSourceNode;
