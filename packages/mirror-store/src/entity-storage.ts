import type { Json } from '@notion-mirror/domain/database-content';
import type { EntityKind } from '@notion-mirror/domain/entity';
import type { KeptPlace } from '@notion-mirror/domain/entity-state';
import type { Document } from 'mongodb';

/** How the records of one kind of entity are stored in MongoDB. `Outline`: the fields that workers read without the content. */
export interface EntityStorage<Content, Outline extends object> {
  readonly kind: EntityKind;
  /** Live documents and tombstones: `database_records`. */
  readonly collection: string;
  /** Records that can replace those: `shadow_records`. */
  readonly shadowCollection: string;
  /** The view for readers, with live documents only: `databases`. */
  readonly view: string;
  /** Which of the live documents it shows; all by default. */
  readonly viewFilter?: Document;
  /** In addition to the tombstones' expiry. */
  readonly indexes: readonly WantedIndex[];
  /** The fields of a live document that come from Notion. Throws an `UnstorableError`. */
  contentFields(content: Content): Document;
  /** The content of a live document. Throws when a field does not have the form that `contentFields` writes. */
  contentOf(document: Document): Content;
  /** The fields that `outlineOf` reads. */
  readonly outlineProjection: Readonly<Record<string, 1>>;
  /** Also accepts a tombstone, which has no content. Throws when this program did not write the document in this form. */
  outlineOf(document: Document): Outline;
  outlineOfContent(content: Content): Outline;
  /** The fields of the outline that stay in a tombstone; null, and by default, none. */
  tombstoneFields?(outline: Outline): KeptPlace | null;
  /** None by default. */
  readonly history?: EntityHistory<Content>;
}

/** What is kept of the changes of live records, in documents that are written together with the record. */
export interface EntityHistory<Content> {
  readonly collection: string;
  /** Kept in the record. As long as it stays the same, nothing has changed; otherwise something may have. */
  digestOf(content: Content): string;
  /** The fields of a record that `changesBetween` compares, of whole documents. */
  readonly projection: Document;
  /** Of the fields of the projection, as MongoDB returns them. */
  changesBetween(before: Document, after: Document): readonly HistoryEntry[];
}

/** The changes of one part of an entity, such as a data source of a database. */
export interface HistoryEntry {
  /** The field that names the part, and its id. */
  readonly part: readonly [field: string, id: string];
  readonly changes: Json;
}

export interface WantedIndex {
  readonly name: string;
  readonly key: Readonly<Record<string, 1 | -1>>;
  /** A TTL index: how long after the date in its field a document expires. */
  readonly expireAfterSeconds?: number;
  /** A partial index: of the documents that match. */
  readonly partialFilter?: Document;
}
