import type { SchemaInspection } from '@notion-mirror/event-log/register-schemas';
import type { TopicDescription } from '@notion-mirror/event-log/topics';
import type { ConnectionStatus } from '@notion-mirror/domain/connection';
import type { HandshakeSlot } from '@notion-mirror/mirror-store/handshake-store';
import type { MongoReport } from '@notion-mirror/mirror-store/init';
import type { Advice } from '../settings-advice.ts';

/** The facts gathered by the doctor. They hold no secret, so anything derived from them can be printed. */
export interface DoctorFacts {
  readonly settings: SettingsFacts;
  readonly signing: SigningFacts;
  readonly kafka: Asked<KafkaFacts>;
  readonly schemaRegistry: Asked<RegistryFacts>;
  readonly mongodb: Asked<MongoFacts>;
  readonly notion: Asked<{ readonly status: number }>;
  /** Null: no API key is configured. */
  readonly nango: Asked<NangoFacts> | null;
  /** Null: no `--url` was given. */
  readonly ingress: Asked<IngressFacts> | null;
}

/** A server's facts, or why there are none. */
export type Asked<T> = { readonly address: string } & (
  | { readonly kind: 'answered'; readonly latencyMs: number; readonly facts: T }
  | { readonly kind: 'silent'; readonly error: string; /** What to fix, when the error says so. */ readonly hint: string | null }
);

export interface SettingsFacts {
  readonly secrets: readonly { readonly variable: string; readonly isSet: boolean }[];
  readonly unknownVariables: readonly string[];
  readonly advice: readonly Advice[];
  readonly hasEncryptionKey: boolean;
  readonly verificationTokens: number;
  readonly takesHandshakes: boolean;
}

export interface SigningFacts {
  readonly keys: number;
  /** Positions in the list, from 1, of keys with blanks inside or quotes around them, which were pasted wrong. */
  readonly suspectKeys: readonly number[];
  /** Whether the ingress's own check accepts Nango's documented sample, and one signed with each key. */
  readonly verified: boolean;
}

export interface KafkaFacts {
  readonly brokers: number;
  readonly hasController: boolean;
  readonly topics: readonly TopicDescription[];
  readonly groups: readonly GroupFacts[];
  /** Records on the dead-letter topic; null when there is no such topic. */
  readonly deadLetters: number | null;
}

export interface GroupFacts {
  readonly worker: string;
  readonly groupId: string;
  /** Kafka's state name: `Stable`, `Empty`, `Dead`, `PreparingRebalance`, … */
  readonly state: string;
  readonly members: number;
  /** Records of the log not committed by the group; null when there is no log. */
  readonly lag: number | null;
}

export interface RegistryFacts {
  /** Whether it answers like Confluent's API. */
  readonly isRegistry: boolean;
  /** The facts of each of our subjects; empty when it is not a registry. */
  readonly subjects: readonly SubjectFacts[];
}

export interface SubjectFacts extends SchemaInspection {
  /** The id of the newest version of the subject; null when it has none. */
  readonly latestId: number | null;
}

export interface MongoFacts extends MongoReport {
  readonly connections: ConnectionFacts;
  readonly handshakes: readonly HandshakeFacts[];
  /** Searches that failed in the last comparison of their tenant; only of some tenants where there are many. */
  readonly failedSearches: readonly { readonly workspaceId: string; readonly connectionId: string; readonly because: string }[];
}

export interface ConnectionFacts {
  readonly byStatus: Readonly<Record<ConnectionStatus, number>>;
  readonly unauthorized: readonly string[];
  /** Active connections whose token Nango holds. */
  readonly heldByNango: number;
  /** Active connections with a stored token, and those of them whose token our encryption key does not decrypt. */
  readonly stored: number;
  readonly unreadable: readonly string[];
}

export interface HandshakeFacts {
  readonly slot: HandshakeSlot;
  readonly status: 'none' | 'waiting' | 'shown';
  /** Whether the token is in the clear, or our encryption key decrypts it. True when there is none. */
  readonly isReadable: boolean;
}

export interface NangoFacts {
  readonly status: number;
  /** Whether the key may read credentials; null when there was no connection to try. */
  readonly readsCredentials: boolean | null;
}

export interface IngressFacts {
  /** The answer to an unsigned webhook. */
  readonly unsigned: HttpReply;
  /** The answers to a harmless webhook signed with each key. */
  readonly signed: readonly HttpReply[];
}

export interface HttpReply {
  readonly status: number;
  /** The body's field `status`. */
  readonly word: string | null;
}
