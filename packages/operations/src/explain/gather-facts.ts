import { actionOf } from '@notion-mirror/domain/database-event';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import type { Connection } from '@notion-mirror/domain/connection';
import type { EntityKind, EntityRef } from '@notion-mirror/domain/entity';
import { databaseKind } from '@notion-mirror/domain/entities/database';
import { rowKind } from '@notion-mirror/domain/entities/row';
import { mirrorVerdict, type Fields } from '@notion-mirror/domain/content-differences';
import { kindOf } from '@notion-mirror/event-log/event-record';
import type { EventCodec } from '@notion-mirror/event-log/event-codec';
import type { LogRecord } from '@notion-mirror/event-log/log-record';
import { readRanges } from '@notion-mirror/event-log/range-reader';
import { partitionOfKey } from '@notion-mirror/event-log/stable-partitioner';
import { groupIdFor, readerGroupId, topicsFor, workerNames } from '@notion-mirror/event-log/topics';
import { findWhereabouts, nextOffset, type Whereabouts } from '@notion-mirror/event-log/whereabouts';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import { openOutcomeHistory, type EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { openMirroredDocuments } from '@notion-mirror/mirror-store/records/mirrored-documents';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { tenantsWithRecord } from '@notion-mirror/mirror-store/records/records-by-id';
import { findSchemaChanges, type SchemaChangeDocument } from '@notion-mirror/mirror-store/schema-history';
import { createParkedEvents } from '@notion-mirror/mirror-store/parked-events';
import { createSpool } from '@notion-mirror/mirror-store/spool';
import { liveWorkers } from '@notion-mirror/mirror-store/worker-status';
import { Registry } from '@notion-mirror/service-kit/metrics';
import type { AnyEntity, EntityOutcome } from '../operated-entity.ts';
import type { OperationContext } from '../operation-context.ts';
import { openDeadLetterTopic } from '../dead-letters/topic.ts';
import type { ExplainFacts, NotionSays, TenantFacts, WaitingEvent } from './facts.ts';
import { openNotion } from '../notion-access.ts';
import { storedForm } from '../stored-form.ts';
import { gatherRowFacts } from './row-facts.ts';
import { askKafka, eventCodecOf, kafkaOf, type Kafka } from '../servers.ts';

/** In addition to the workers' own budget; one question takes a handful of calls. */
const requestsPerMinute = 30;
/** Maximum number of waiting records searched: per partition of the log, and in the spool. */
const maxRead = 50_000;
/** Up to this many tenants, all of them are asked when the owner of a database is unknown. */
const maxTenantsAsked = 5;
/** Tenants whose records are looked for when none is named: one Notion object is seldom seen by more. */
const maxHolders = 100;

export interface ExplainQuestion {
  readonly subject: string;
  readonly workspaceId: string | null;
  /** Of the events and changes of properties that are listed. */
  readonly last: number;
  /** Whether Kafka is asked: for waiting events and dead letters. */
  readonly asksKafka: boolean;
  readonly asksNotion: boolean;
}

/**
 * Queries MongoDB and, if so asked, Kafka and Notion. `connections`: all of them. Read-only. Rejects with an OperatorError when Kafka is unavailable, and
 * with the store's errors.
 */
export async function gatherExplainFacts(
  context: OperationContext,
  db: Mongo['db'],
  connections: readonly Connection[],
  question: ExplainQuestion,
): Promise<ExplainFacts> {
  const { subject, workspaceId, last, asksKafka } = question;
  const byTenant = Map.groupBy(connections, (connection) => connection.workspaceId);
  const isMeant = (tenant: string | null): boolean => workspaceId === null || tenant === null || tenant === workspaceId;
  const [outcomes, parked, spooled, deadLetters, live] = await Promise.all([
    openOutcomeHistory(db).of(subject, { workspaceId, limit: last }),
    createParkedEvents(db).about(subject),
    spooledAbout(db, subject),
    asksKafka ? deadLettersAbout(context, db, subject) : [],
    liveWorkers(db, new Date()),
  ]);
  const { entity: holding, holders } = await holdersOf(context, db, subject, workspaceId, (tenant) => byTenant.has(tenant));
  const isEvent = outcomes.some(({ eventId, others }) => eventId === subject || others?.includes(subject) === true);
  const named = [
    ...(workspaceId === null ? [] : [workspaceId]),
    ...holders.keys(),
    ...outcomes.flatMap((outcome) => outcome.workspaceId ?? byConnection(outcome.connectionId) ?? []),
    ...parked.map(({ event }) => event.workspaceId),
    ...[...deadLetters, ...spooled].flatMap((one) => one.workspaceId ?? []),
  ].filter(isMeant);
  const waiting = asksKafka
    ? await (await openLog(context)).waitingAbout(subject, named.length > 0 ? new Set(named) : null)
    : new Map<string, WaitingEvent[]>();
  const known = new Set([...named, ...waiting.keys()]);
  if (known.size === 0 && !isEvent && byTenant.size <= maxTenantsAsked) for (const tenant of byTenant.keys()) known.add(tenant);

  const traces: readonly Trace[] = [
    ...outcomes,
    ...parked.map(({ event }) => event),
    ...[...waiting.values()].flat().flatMap(({ target, eventId }) => (target === null ? [] : [{ ...target, eventId }])),
  ];
  const traced = holding ?? kindOfTraces(context.entities, subject, traces);
  const ask = async (entity: AnyEntity): Promise<Asked> => {
    const { kind } = entity.storage;
    // Events of another kind may name an entity of this kind that the subject is not.
    const isOfTraces = entity === (traced ?? context.entities[0]);
    const ids = [...outcomes.flatMap(({ record }) => record ?? []), ...outcomes].map((one) => kind.idOf(one));
    const fromTraces = [...ids, ...holders.values(), ...traces.map((trace) => kind.idOf(trace))].find((one) => one !== null);
    const id = (isOfTraces ? fromTraces : undefined) ?? (isEvent ? null : canonicalNotionId(subject));
    const answers = await Promise.all(
      [...known].map(async (tenant): Promise<[string, Answer | null]> => {
        const own = byTenant.get(tenant) ?? [];
        const isAsked = question.asksNotion && id !== null && own.some(({ status }) => status === 'active');
        return [tenant, isAsked ? await askNotion(context, db, entity, own, { workspaceId: tenant, id }) : null];
      }),
    );
    return { entity, id, answers: new Map(answers) };
  };
  const { entity, id, answers } = await askUntilKnown(traced === null ? context.entities : [traced], ask);
  const { kind } = entity.storage;
  const records = createRecordStore(entity.storage, { db, metrics: new Registry() });

  const tenants = await Promise.all(
    [...known].map(async (tenant): Promise<TenantFacts> => {
      const ref = id === null ? null : { workspaceId: tenant, id };
      const answer = answers.get(tenant) ?? null;
      return {
        workspaceId: tenant,
        connections: byTenant.get(tenant) ?? [],
        record: ref && (await records.read(ref)),
        waiting: waiting.get(tenant) ?? [],
        backlog: live.flatMap(({ backlog }) => backlog).find((one) => one.workspaceId === tenant) ?? null,
        notion: answer && answer.says,
        schemaChanges: ref && kind === databaseKind ? await schemaChangesOf(ref) : null,
        row: ref && kind === rowKind ? await gatherRowFacts(db, ref, answer?.fields ?? (await mirroredFields(db, entity, ref))) : null,
      };
    }),
  );
  return {
    subject,
    kind,
    id,
    tenants,
    allTenants: byTenant.size,
    outcomes,
    parked: parked
      .filter(({ event }) => isMeant(event.workspaceId))
      .map(({ event, parkedAt }) => ({ eventId: event.eventId, workspaceId: event.workspaceId, parkedAt })),
    spooled: spooled.filter((one) => isMeant(one.workspaceId)),
    deadLetters: deadLetters.filter((letter) => isMeant(letter.workspaceId)),
    workers: live,
    rows: context.config.rows,
  };

  async function schemaChangesOf({ workspaceId: tenant, id: databaseId }: EntityRef): Promise<SchemaChangeDocument[]> {
    if (!isEvent) {
      const part = subject === databaseId ? { databaseId } : { dataSourceId: subject };
      return findSchemaChanges(db, { workspaceId: tenant, ...part, limit: last });
    }
    // The event of the fetch is named, which may have answered this one.
    const eventIds = outcomes.flatMap(({ eventId, coalescedInto }) => [eventId, ...(coalescedInto === null ? [] : [coalescedInto])]);
    return findSchemaChanges(db, { workspaceId: tenant, databaseId, eventIds, limit: last });
  }

  function byConnection(connectionId: string | null): string | null {
    return connections.find((connection) => connection.connectionId === connectionId)?.workspaceId ?? null;
  }
}

/**
 * The kind of the records that are the subject or contain it (null: there are none), and by tenant the id of that record. Without a tenant, those that
 * are connected are looked for: by two reads of each kind, however many they are.
 */
async function holdersOf(
  { entities }: OperationContext,
  db: Mongo['db'],
  subject: string,
  workspaceId: string | null,
  isConnected: (workspaceId: string) => boolean,
): Promise<{ readonly entity: AnyEntity | null; readonly holders: ReadonlyMap<string, string> }> {
  const found = await Promise.all(
    entities.map(async (entity) => {
      const [owners, containing] = await Promise.all([
        ownersOf(db, entity, subject, workspaceId),
        entity.holdersOf(db, subject, workspaceId, maxHolders),
      ]);
      const first = containing.toSorted((a, b) => (a.id < b.id ? 1 : -1)).map((one): [string, string] => [one.workspaceId, one.id]);
      const holders = [...first, ...owners.map((tenant): [string, string] => [tenant, subject])];
      const meant = holders.filter(([tenant]) => tenant === workspaceId || isConnected(tenant));
      return { entity, holders: new Map([...new Map(meant)].toSorted(([a], [b]) => (a < b ? -1 : 1))) };
    }),
  );
  return found.find(({ holders }) => holders.size > 0) ?? { entity: null, holders: new Map() };
}

async function ownersOf(db: Mongo['db'], { storage }: AnyEntity, id: string, workspaceId: string | null): Promise<readonly string[]> {
  if (workspaceId === null) return tenantsWithRecord(db, storage, id, maxHolders);
  const record = await createRecordStore(storage, { db, metrics: new Registry() }).read({ workspaceId, id });
  return record === null ? [] : [workspaceId];
}

/** An event about the subject, or the subject itself. */
type Trace = Parameters<EntityKind['idOf']>[0] & Pick<EventOutcome, 'eventId' | 'others'>;

/** The kind of the subject, or of the event that the subject is; null: the events do not say. An event about a row may name its database, too. */
function kindOfTraces(entities: readonly AnyEntity[], subject: string, traces: readonly Trace[]): AnyEntity | null {
  const named = entities.find(({ storage: { kind } }) => traces.some((trace) => kind.idOf(trace) === subject));
  const event = traces.find(({ eventId, others }) => eventId === subject || others?.includes(subject) === true);
  return named ?? (event && entities.findLast(({ storage: { kind } }) => kind.idOf(event) !== null)) ?? null;
}

interface Answer {
  readonly says: NotionSays;
  /** The document that Notion's answer would give; null: it does not show the entity. */
  readonly fields: Fields | null;
}

interface Asked {
  readonly entity: AnyEntity;
  readonly id: string | null;
  /** By tenant; null: it was not asked. */
  readonly answers: ReadonlyMap<string, Answer | null>;
}

/** Asks for each kind until Notion knows the id as one; if it never does, the first kind's answers count. */
async function askUntilKnown(entities: readonly AnyEntity[], ask: (entity: AnyEntity) => Promise<Asked>): Promise<Asked> {
  let first: Asked | null = null;
  for (const entity of entities) {
    const asked = await ask(entity);
    first ??= asked;
    const isUnknown = [...asked.answers.values()].every((answer) => answer === null || isOfAnotherKind(answer.says));
    if (!isUnknown) return asked;
  }
  if (first === null) throw new Error('no kind of entity is known');
  return first;
}

/** Or of none: Notion answers 404 to a wrong kind, too. */
function isOfAnotherKind({ kind }: NotionSays): boolean {
  return kind === 'inaccessible' || kind === 'no_database';
}

async function mirroredFields(db: Mongo['db'], { storage }: AnyEntity, ref: EntityRef): Promise<Fields | null> {
  return (await openMirroredDocuments(db, storage).read(ref))?.fields ?? null;
}

/** Avro values and webhook bodies contain ids as plain text. */
function isAbout(
  subject: string,
  { value, headers }: { readonly value: Buffer | null; readonly headers: Readonly<Record<string, string | Buffer>> },
): boolean {
  return String(headers['ce_id'] ?? '') === subject || value?.includes(subject) === true;
}

async function spooledAbout(db: Mongo['db'], subject: string): Promise<ExplainFacts['spooled']> {
  const found = await createSpool(db).oldest(maxRead);
  return found
    .filter((record) => isAbout(subject, record))
    .map(({ key, headers, spooledAt }) => ({
      eventId: String(headers['ce_id'] ?? ''),
      workspaceId: key === null ? null : String(key),
      spooledAt,
    }));
}

async function deadLettersAbout(context: OperationContext, db: Mongo['db'], subject: string): Promise<ExplainFacts['deadLetters']> {
  const topic = openDeadLetterTopic(context, db);
  const found: ExplainFacts['deadLetters'][number][] = [];
  await topic.read(await topic.ends(), async (letters) => {
    for (const { record, settlement, ...letter } of letters) {
      if (settlement === null && (letter.eventId === subject || isAbout(subject, record))) found.push(letter);
    }
    return 'more';
  });
  return found;
}

interface LogView {
  /** Unfinished events about the subject, by tenant. `tenants`: null for all. */
  waitingAbout(subject: string, tenants: ReadonlySet<string> | null): Promise<ReadonlyMap<string, WaitingEvent[]>>;
}

async function openLog(context: OperationContext): Promise<LogView> {
  const { config, signal } = context;
  const kafka = kafkaOf(context);
  const { events: topic } = topicsFor(config.topicPrefix);
  const codec = await eventCodecOf(context).catch(() => null);
  return {
    async waitingAbout(id, tenants) {
      const found = new Map<string, WaitingEvent[]>();
      for (const service of workerNames) {
        const whereabouts = await askKafka(context, async () => findWhereabouts(kafka, groupIdFor(config.topicPrefix, service), topic));
        const places = tenants === null ? null : new Set([...tenants].map((tenant) => partitionOfKey(tenant, whereabouts.length)));
        const behind = whereabouts.filter(({ partition, ...at }) => (places?.has(partition) ?? true) && nextOffset(at) < at.high);
        await readBehind(kafka, behind, async (record, ahead) => {
          const tenant = record.key?.toString() ?? null;
          const kind = kindOf(record);
          const isMine = kind !== null && actionOf(kind) === (service === 'sync-worker' ? 'sync' : 'delete');
          if (tenant === null || !isMine || (tenants !== null && !tenants.has(tenant)) || !isAbout(id, record)) return;
          found.set(tenant, [...(found.get(tenant) ?? []), await waitingEvent(codec, service, record, ahead)]);
        });
      }
      return found;
    },
  };

  async function readBehind(
    client: Kafka,
    behind: readonly Whereabouts[],
    onRecord: (record: LogRecord, ahead: number) => Promise<void>,
  ): Promise<void> {
    const starts = new Map(behind.map((at) => [at.partition, nextOffset(at)]));
    const ranges = behind.map((at) => ({
      partition: at.partition,
      from: nextOffset(at),
      to: nextOffset(at) + BigInt(Math.min(maxRead, Number(at.high - nextOffset(at)))),
    }));
    await askKafka(context, async () =>
      readRanges({
        kafka: client,
        topic,
        groupId: readerGroupId(config.topicPrefix),
        ranges,
        signal,
        async onRecords(records) {
          for (const record of records) await onRecord(record, Number(record.offset - (starts.get(record.partition) ?? record.offset)));
          return 'more';
        },
      }),
    );
  }
}

async function waitingEvent(
  codec: Pick<EventCodec, 'decode'> | null,
  service: WaitingEvent['service'],
  record: LogRecord,
  ahead: number,
): Promise<WaitingEvent> {
  const { partition, offset, timestamp, headers, value } = record;
  const decoded = value === null || codec === null ? null : await codec.decode(value);
  const event = decoded?.kind === 'event' ? decoded.event : null;
  return {
    service,
    eventId: event?.eventId ?? headers['ce_id'] ?? 'without an id',
    origin: event?.origin ?? 'unknown',
    receivedAt: event?.receivedAt ?? null,
    partition,
    offset,
    appendedAt: new Date(timestamp),
    target: event,
    ahead,
  };
}

async function askNotion(
  context: OperationContext,
  db: Mongo['db'],
  entity: AnyEntity,
  connections: Parameters<typeof openNotion>[1],
  ref: EntityRef,
): Promise<Answer> {
  const { storage } = entity;
  const outcome = await entity.openSource(openNotion(context, connections, requestsPerMinute)).fetch(ref, 1, context.signal);
  context.signal.throwIfAborted();
  if (outcome.kind !== 'live') return { says: saysOf(outcome), fields: null };
  const sight = storedForm(storage, ref, outcome.content);
  if (sight.kind === 'unstorable') return { says: sight, fields: null };
  const verdict = mirrorVerdict(await mirroredFields(db, entity, ref), sight);
  return { says: { kind: verdict.kind === 'equal' ? 'equal' : 'differs' }, fields: sight.fields };
}

function saysOf(outcome: Exclude<EntityOutcome<unknown>, { readonly kind: 'live' }>): NotionSays {
  switch (outcome.kind) {
    case 'retry': {
      const { failure, at } = outcome;
      return failure.class === 'rate_limited'
        ? { kind: 'rate_limited', until: new Date(at), message: failure.message }
        : { kind: 'unanswered', message: failure.message };
    }
    case 'failed':
      return { kind: 'unanswered', message: outcome.failure.message };
    case 'inaccessible':
      return outcome.refusal === undefined ? { kind: 'inaccessible' } : { kind: 'no_database', message: outcome.refusal.message };
    case 'trashed':
    case 'moved_away':
    case 'no_active_connection':
      return { kind: outcome.kind };
  }
}
