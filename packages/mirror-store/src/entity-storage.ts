import type { EntityKind } from '@notion-mirror/domain/entity';
import type { Document } from 'mongodb';

/** How the records of one kind of entity lie in MongoDB. `Outline`: what the workers know of a record without reading its content. */
export interface EntityStorage<Content, Outline extends object> {
  readonly kind: EntityKind;
  /** Live documents and tombstones: `database_records`. */
  readonly collection: string;
  /** Records that can take the place of those: `shadow_records`. */
  readonly shadowCollection: string;
  /** What readers use, live documents only: `databases`. */
  readonly view: string;
  /** In addition to the tombstones' expiry. */
  readonly indexes: readonly WantedIndex[];
  /** The fields of a live document that say what Notion shows. Throws an `UnstorableError`. */
  contentFields(content: Content): Document;
  /** What a live document says. Throws when a field is not as `contentFields` makes it. */
  contentOf(document: Document): Content;
  /** The fields that `outlineOf` reads. */
  readonly outlineProjection: Readonly<Record<string, 1>>;
  /** Of a tombstone, too, which has no content. Throws when the document is none of ours. */
  outlineOf(document: Document): Outline;
  outlineOfContent(content: Content): Outline;
}

export interface WantedIndex {
  readonly name: string;
  readonly key: Readonly<Record<string, 1 | -1>>;
  /** A TTL index: how long after the date in its field a document goes. */
  readonly expireAfterSeconds?: number;
}
