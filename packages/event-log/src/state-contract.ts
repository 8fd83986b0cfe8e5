import type { EntityKind } from '@notion-mirror/domain/entity';
import type { Contract } from '@notion-mirror/schemas/contract';

/** How the states of one kind of entity lie on their log. */
export interface StateContract<Content> {
  readonly kind: EntityKind;
  /** Without the prefix: `notion.database-states`. */
  readonly topic: string;
  /** Who appends to the log, without the prefix: the broker lets the newest producer with this transactional id write. */
  readonly writerId: string;
  /** The released Avro schemas. Reads files. */
  schema(): Contract;
  /** The fields of the Avro value that say what Notion shows. */
  toAvro(content: Content): object;
  /** `value` has passed the schema. Throws when a text in it is no JSON. */
  fromAvro(value: object): Content;
}

/** Where the states of a kind lie: Avro values with the entity's key, `workspaceId:id`. */
export interface StateLog {
  readonly topic: string;
  /** The schema registry's subject of the values. */
  readonly subject: string;
  readonly writerId: string;
}

export function stateLogOf(prefix: string, { topic, writerId }: Pick<StateContract<unknown>, 'topic' | 'writerId'>): StateLog {
  return { topic: `${prefix}${topic}`, subject: `${prefix}${topic}-value`, writerId: `${prefix}${writerId}` };
}
