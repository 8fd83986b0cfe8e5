import type { SchemaInspection } from '@notion-mirror/event-log/register-schemas';
import type { TopicDescription } from '@notion-mirror/event-log/topics';
import type { ConnectionStatus } from '@notion-mirror/domain/connection';
import type { HandshakeSlot } from '@notion-mirror/mirror-store/handshake-store';
import type { MongoReport } from '@notion-mirror/mirror-store/init';
import type { Advice } from '../settings-advice.ts';

/** What the doctor found out. No secret is in here: what a rule says of it can be printed. */
export interface DoctorFacts {
  readonly settings: SettingsFacts;
  readonly signing: SigningFacts;
  readonly kafka: Asked<KafkaFacts>;
  readonly schemaRegistry: Asked<RegistryFacts>;
  readonly mongodb: Asked<MongoFacts>;
  readonly notion: Asked<{ readonly status: number }>;
  /** Null: there is no API key to ask with. */
  readonly nango: Asked<NangoFacts> | null;
  /** Null: nobody gave `--url`. */
  readonly ingress: Asked<IngressFacts> | null;
}

/** A server's answer, or why there is none. */
export type Asked<T> = { readonly address: string } & (
  | { readonly kind: 'answered'; readonly latencyMs: number; readonly facts: T }
  | { readonly kind: 'silent'; readonly error: string; /** What to mend, when the error says so. */ readonly hint: string | null }
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
  /** Places in the list, from 1, of keys with blanks inside or quotes around them: pasted wrong. */
  readonly suspectKeys: readonly number[];
  /** Whether the ingress's own check takes Nango's documented sample, and one signed with each key. */
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
  /** Kafka's own word: `Stable`, `Empty`, `Dead`, `PreparingRebalance`, … */
  readonly state: string;
  readonly members: number;
  /** Records of the log that the group has not committed; null when there is no log. */
  readonly lag: number | null;
}

export interface RegistryFacts {
  /** Whether it answers in the form of Confluent's API. */
  readonly isRegistry: boolean;
  /** Of each of our subjects; empty when it is no registry. */
  readonly subjects: readonly SubjectFacts[];
}

export interface SubjectFacts extends SchemaInspection {
  /** The id of the newest version of the subject; null when it has none. */
  readonly latestId: number | null;
}

export interface MongoFacts extends MongoReport {
  readonly connections: ConnectionFacts;
  readonly handshakes: readonly HandshakeFacts[];
  /** Searches that failed in the last comparison of their tenant; of some of the tenants, where there are many. */
  readonly failedSearches: readonly { readonly workspaceId: string; readonly connectionId: string; readonly because: string }[];
}

export interface ConnectionFacts {
  readonly byStatus: Readonly<Record<ConnectionStatus, number>>;
  readonly unauthorized: readonly string[];
  /** Active ones whose token Nango holds. */
  readonly heldByNango: number;
  /** Active ones with a token of their own, and of these the ones that our encryption key does not open. */
  readonly stored: number;
  readonly unreadable: readonly string[];
}

export interface HandshakeFacts {
  readonly slot: HandshakeSlot;
  readonly status: 'none' | 'waiting' | 'shown';
  /** Whether it is in the clear, or our encryption key opens it. True when there is none. */
  readonly isReadable: boolean;
}

export interface NangoFacts {
  readonly status: number;
  /** Whether the key may read credentials; null when no connection was there to try it on. */
  readonly readsCredentials: boolean | null;
}

export interface IngressFacts {
  /** What an unsigned webhook is answered. */
  readonly unsigned: HttpReply;
  /** What a harmless one, signed with each key, is answered. */
  readonly signed: readonly HttpReply[];
}

export interface HttpReply {
  readonly status: number;
  /** The field `status` of the body. */
  readonly word: string | null;
}
