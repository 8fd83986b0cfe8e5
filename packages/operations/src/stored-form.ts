import type { NotionSight } from '@notion-mirror/domain/content-differences';
import type { EntityRef } from '@notion-mirror/domain/entity';
import type { EntityStorage } from '@notion-mirror/mirror-store/entity-storage';
import { fieldsOf } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { UnstorableError } from '@notion-mirror/mirror-store/records/storable';

/** `message`: why MongoDB can never hold it, without its content. */
export type StoredForm = Extract<NotionSight, { readonly kind: 'live' }> | { readonly kind: 'unstorable'; readonly message: string };

/** What the mirror would hold of content that Notion shows. */
export function storedForm<Content>(storage: EntityStorage<Content, object>, ref: EntityRef, content: Content): StoredForm {
  try {
    return { kind: 'live', fields: fieldsOf(storage, ref, content) };
  } catch (error) {
    if (!(error instanceof UnstorableError)) throw error;
    return { kind: 'unstorable', message: error.message };
  }
}
