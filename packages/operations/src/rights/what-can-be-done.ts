import { mayAppend } from '@notion-mirror/event-log/may-append';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { readOwnRights, type WantedRight } from '@notion-mirror/mirror-store/own-rights';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { messageOf } from '../error-text.ts';
import type { OperationContext } from '../operation-context.ts';
import { kafkaOf } from '../servers.ts';

/** Actions that need rights of the process that carries them out. */
export type BoundAction = 'fetch' | 'compare' | 'pause' | 'admit' | 'redrive' | 'drop' | 'replay' | 'replaySwitch';

/** Null: it can be done. Else a sentence for a person. */
export type WhyNot = Readonly<Record<BoundAction, string | null>>;

const noted: WantedRight = { on: 'operatorActions', actions: ['find', 'insert', 'update'] };
const settled: WantedRight = { on: 'settledDeadLetters', actions: ['find', 'insert', 'update', 'remove'] };
const replayed: readonly WantedRight[] = [
  { on: 'replays', actions: ['find', 'insert', 'update'] },
  { on: 'records', actions: ['find', 'insert', 'update', 'remove'] },
  { on: 'dataSourceContents', actions: ['find', 'insert', 'update', 'remove'] },
];

/** Each needs the audit trail, too: what cannot be recorded is not done. */
const needs: Readonly<Record<BoundAction, { readonly rights: readonly WantedRight[]; readonly appends: boolean }>> = {
  fetch: { rights: [], appends: true },
  compare: { rights: [{ on: 'sweeps', actions: ['find', 'update'] }], appends: false },
  pause: { rights: [{ on: 'connections', actions: ['find', 'update'] }], appends: false },
  admit: {
    rights: [
      { on: 'connections', actions: ['find', 'insert', 'update'] },
      { on: 'connectionNotices', actions: ['find', 'update'] },
    ],
    appends: false,
  },
  redrive: { rights: [settled], appends: true },
  drop: { rights: [settled], appends: false },
  replay: { rights: replayed, appends: true },
  replaySwitch: {
    rights: [...replayed, { on: 'records', actions: ['renameCollectionSameDB', 'createIndex', 'dropCollection'] }],
    appends: true,
  },
};

const actions = Object.keys(needs) as BoundAction[];

/** The same for each action. */
export function forEveryAction<T>(of: (action: BoundAction) => T): Readonly<Record<BoundAction, T>> {
  return Object.fromEntries(actions.map((action) => [action, of(action)])) as Record<BoundAction, T>;
}

/** What this process can do with its rights at MongoDB and Kafka, and why not. Never rejects: an unavailable server is a reason. */
export async function whatCanBeDone(context: OperationContext, db: Mongo['db']): Promise<WhyNot> {
  const { clientName, entities, redact } = context;
  // A missing right is an answer here, and no warning.
  const kafka = kafkaOf({ ...context, logger: createLogger({ service: clientName, level: 'silent' }) });
  const records = entities.flatMap(({ storage }) => [storage.collection, storage.shadowCollection]);
  const [rights, append] = await Promise.all([
    readOwnRights(db, records).catch((error: unknown) => `MongoDB does not answer: ${redact(messageOf(error))}`),
    mayAppend(kafka).then(
      (may) => (may ? null : 'Kafka does not let this console append events.'),
      (error: unknown) => `Kafka does not answer: ${redact(messageOf(error))}`,
    ),
  ]);
  const why = (action: BoundAction): string | null => {
    const { rights: wanted, appends } = needs[action];
    if (typeof rights === 'string') return rights;
    const missing = rights.missing([noted, ...wanted]);
    if (missing.length > 0) return `The console's user of MongoDB may not ${missing.join(', ')} (docs/security.md#rights).`;
    return appends ? append : null;
  };
  return forEveryAction(why);
}
