import type { JsonObject } from '../json.ts';
import type { StoredCover, StoredIcon } from './files.ts';
import type { Property } from './properties.ts';

/** Rich text in the form in which the API answers it. */
export type RichText = readonly JsonObject[];

export interface Person {
  readonly kind: 'person';
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly email: string;
  /** Acts as this person does in Notion's own user interface: sees the whole workspace, is never rate limited. */
  readonly token: string;
}

export interface Integration {
  readonly id: string;
  readonly name: string;
  /** `public`: installed by OAuth, its events say `accessible_by`. */
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
  /** Decisions by node; the nearest one on the way up counts. */
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
  /** Its own flag; what the API answers counts the ancestors in. */
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

export interface PageNode extends NodeBase {
  readonly kind: 'page';
  title: RichText;
  /** A row's cells by property id, in the form in which the API answers them. */
  values: Map<string, JsonObject>;
  icon: StoredIcon | null;
  cover: StoredCover | null;
  isLocked: boolean;
}

/** A block that holds others, such as a column or a toggle. */
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
  /** Null for an ordinary database; else a linked one, which the API refuses this way. */
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
}

export type Node = TeamspaceNode | PageNode | BlockNode | DatabaseNode | DataSourceNode;
