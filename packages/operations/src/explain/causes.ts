import type { Connection } from '@notion-mirror/domain/connection';
import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';
import { placeKey } from '@notion-mirror/mirror-store/settled-dead-letters';
import type { ExplainFacts, TenantFacts } from './facts.ts';
import { causesOfRow } from './row-causes.ts';
import { count } from '../text.ts';

export type CauseCode =
  | 'no_connection'
  | 'connection_paused'
  | 'connection_unauthorized'
  | 'connection_deleted'
  | 'unsupported_type'
  | 'linked_database'
  | 'rows_not_ready'
  | 'not_shared'
  | 'not_a_database'
  | 'not_a_row'
  | 'database_not_mirrored'
  | 'rows_off'
  | 'scan_unfinished'
  | 'rows_incomplete'
  | 'row_not_written'
  | 'truncated_minute'
  | 'template_page'
  | 'deferred'
  | 'trashed'
  | 'deleted'
  | 'rate_limited'
  | 'held'
  | 'waiting_in_log'
  | 'no_worker'
  | 'parked'
  | 'in_spool'
  | 'dead_letter'
  | 'quarantined'
  | 'notion_refuses'
  | 'unstorable'
  | 'stale'
  | 'no_event'
  | 'no_record'
  | 'tenant_unknown'
  | 'unknown';

/** One reason why the mirror does not show the subject as Notion does. `text` and `remedy` are for a person. */
export interface Cause {
  readonly code: CauseCode;
  readonly workspaceId: string | null;
  readonly text: string;
  readonly remedy: string | null;
}

/** All causes found in the facts, most specific first; empty when the mirror shows the subject as Notion does, or when nothing suggests otherwise. */
export function causesOf(facts: ExplainFacts, now: Date): Cause[] {
  const causes = [
    ...facts.deadLetters.map(({ cause, redrive, failedAt, workspaceId, ...place }): Cause => {
      const ref = placeKey(place);
      const why = `${cause.class}/${cause.code}: ${cause.message}`;
      return redrive.to === 'ingress'
        ? {
            code: 'quarantined',
            workspaceId,
            text: `The ingress could not read a webhook that contains the id (${why}); its bytes are kept as dead letter ${ref}.`,
            remedy: `mirror dead-letters show ${ref}; after a fix, mirror dead-letters redrive ${ref} --ingress-url …`,
          }
        : {
            code: 'dead_letter',
            workspaceId,
            text: `An event about it could not be handled and has been dead letter ${ref} since ${failedAt.toISOString()} (${why}).`,
            remedy: `fix the cause, then mirror dead-letters redrive ${ref}`,
          };
    }),
    ...facts.spooled.map(({ workspaceId, spooledAt }): Cause => ({
      code: 'in_spool',
      workspaceId,
      text: `An event about it has been waiting in MongoDB since ${spooledAt.toISOString()}: Kafka was unavailable when it arrived. The ingress appends it when Kafka is back.`,
      remedy: 'mirror doctor',
    })),
    ...facts.parked.map(({ workspaceId, parkedAt }): Cause => ({
      code: 'parked',
      workspaceId,
      text: `An event about it has been parked since ${parkedAt.toISOString()}: the tenant ${workspaceId} had no active connection. It is handled once one is active.`,
      remedy: `mirror connections list --workspace-id ${workspaceId}`,
    })),
    ...ignoredByIngress(facts),
    ...facts.tenants.flatMap((tenant) => causesOfTenant(tenant, facts, now)),
  ];
  if (facts.tenants.length > 0 || causes.length > 0) return causes;
  return [nothingKnown(facts)];
}

function nothingKnown({ allTenants, subject }: ExplainFacts): Cause {
  if (allTenants === 0) {
    return { code: 'no_connection', workspaceId: null, text: 'There is no connection at all.', remedy: 'mirror connections add …' };
  }
  return {
    code: 'tenant_unknown',
    workspaceId: null,
    text: `Nothing is known about ${subject}: no record, no event, no outcome still kept, and ${count(allTenants, 'tenant')} could own it.`,
    remedy: 'name its tenant: --workspace-id <tenant>',
  };
}

/** The cause given by the latest outcome, if that is a webhook ignored by the ingress. */
function ignoredByIngress({ outcomes, tenants }: ExplainFacts): Cause[] {
  const [latest] = outcomes;
  if (latest?.service !== 'ingress') return [];
  const webhook = `The webhook ${latest.eventId} (${latest.type}, received ${latest.receivedAt.toISOString()})`;
  switch (latest.reason) {
    case 'unsupported_event_type':
      return [
        {
          code: 'unsupported_type',
          workspaceId: null,
          text: `${webhook} announces no change of a database or of a row's properties, so it was ignored.`,
          remedy: null,
        },
      ];
    case 'linked_database':
      return [
        {
          code: 'linked_database',
          workspaceId: null,
          text: `${webhook} is about a linked database: a view of one that lives elsewhere. Notion's API cannot read it; its original can be mirrored.`,
          remedy: 'share the original database with the integration',
        },
      ];
    case 'rows_not_ready':
      return [
        {
          code: 'rows_not_ready',
          workspaceId: null,
          text: `${webhook} is about a row and came before rows were mirrored: a worker was of a version without rows, or had MIRROR_ROWS=off.`,
          remedy: 'upgrade all workers, and set MIRROR_ROWS=on for each; the scan that follows finds the change',
        },
      ];
    case null:
    default: {
      const isActiveNow = tenants.some(({ connections }) => connections.some(({ status }) => status === 'active'));
      const name = latest.connectionId === null ? '' : ` ${latest.connectionId}`;
      const named = tenants.flatMap(({ connections }) => connections).find(({ connectionId }) => connectionId === latest.connectionId);
      return [
        {
          code: 'no_connection',
          workspaceId: null,
          text: isActiveNow
            ? `${webhook} was ignored: the connection${name} was not active then. It is now, and the full sync that follows fetches missed changes.`
            : named !== undefined
              ? `${webhook} was ignored: the connection${name} is ${named.status}. A comparison finds the change when it is active again.`
              : `${webhook} was ignored: no active connection${name} is known for its Notion workspace.`,
          // What is known of a connection is a cause of its own.
          remedy: isActiveNow || named !== undefined ? null : 'mirror connections list; mirror connections add …',
        },
      ];
    }
  }
}

function causesOfTenant(tenant: TenantFacts, facts: ExplainFacts, now: Date): Cause[] {
  const { workspaceId, connections, waiting, backlog, notion } = tenant;
  const cause = (code: CauseCode, text: string, remedy: string | null = null): Cause => ({ code, workspaceId, text, remedy });
  const causes: Cause[] = [];
  if (!connections.some(({ status }) => status === 'active')) causes.push(inactive(tenant));

  const held = backlog?.held ?? null;
  if (held !== null && held.until > now) {
    const waits = backlog?.waiting === 1 ? '1 event waits' : `${count(backlog?.waiting ?? 0, 'event')} wait`;
    causes.push(
      held.class === 'rate_limited'
        ? cause('rate_limited', `Notion's rate limit holds the tenant until ${held.until.toISOString()} (${held.code}); ${waits}.`)
        : cause(
            'held',
            `The tenant's events wait until ${held.until.toISOString()} (${held.class}/${held.code}: ${held.message}); ${waits}.`,
          ),
    );
  }
  for (const { service, eventId, partition, offset, ahead, appendedAt } of waiting) {
    const behind = ahead === 0 ? 'it is next' : `${count(ahead, 'record')} of the partition come before it`;
    const text = `The event ${eventId} has been waiting on the log at ${partition}:${offset} since ${appendedAt.toISOString()}; ${behind}.`;
    causes.push(cause('waiting_in_log', text, 'mirror status'));
    if (facts.workers.some((worker) => worker.service === service)) continue;
    causes.push(cause('no_worker', `No ${service} has reported in the last few seconds, so no worker handles events.`, `start ${service}`));
  }
  switch (notion?.kind) {
    case 'trashed':
      causes.push(cause('trashed', "It is in Notion's trash, so the mirror does not show it.", 'restore it in Notion'));
      break;
    case 'inaccessible':
      causes.push(cause('not_shared', notShared(tenant), 'share it, or a page above it, with the integration in Notion'));
      break;
    case 'moved_away':
      causes.push(cause('not_a_row', notARow));
      break;
    case 'no_database':
      causes.push(cause('not_a_database', notADatabase(notion.message), shareTheOriginal));
      break;
    case 'rate_limited':
      if (held === null)
        causes.push(cause('rate_limited', `Notion accepts no call before ${notion.until.toISOString()}: ${notion.message}.`));
      break;
    case 'unanswered':
      causes.push(cause('notion_refuses', `Notion does not answer requests for it: ${notion.message}.`));
      break;
    case 'unstorable':
      causes.push(
        cause('unstorable', `MongoDB cannot store it as Notion shows it: ${notion.message}. What the mirror had of it stays.`, makeSmaller),
      );
      break;
    case 'differs':
      causes.unshift(...causesOfRow(tenant, facts, facts.id ?? ''));
      if (causes.length === 0) causes.push(lagging(tenant, facts));
      break;
    case 'no_active_connection':
      causes.push(
        cause(
          'connection_unauthorized',
          'Notion or Nango refuses every connection of the tenant; the sync-worker records this with the next event.',
          'the customer connects again in Nango',
        ),
      );
      break;
    case 'equal':
    case undefined:
      break;
  }
  if (notion === null) causes.push(...causesWithoutNotion(tenant, facts));
  return causes;
}

/** What the mirror alone says. */
function causesWithoutNotion(tenant: TenantFacts, facts: ExplainFacts): Cause[] {
  const { workspaceId, record } = tenant;
  const cause = (code: CauseCode, text: string, remedy: string | null = null): Cause => ({ code, workspaceId, text, remedy });
  const causes: Cause[] = [];
  const [latest] = facts.outcomes.filter((outcome) => outcome.workspaceId === workspaceId);
  if (latest?.reason === 'not_a_database') causes.push(cause('not_a_database', notADatabase(null), shareTheOriginal));
  if (latest?.reason === 'not_a_row' || record?.removed?.reason === 'moved_away') causes.push(cause('not_a_row', notARow));
  const removed = record?.removed ?? null;
  const at = removed?.at.toISOString();
  if (removed?.reason === 'deleted')
    causes.push(cause('deleted', `It was deleted in Notion: ${at}, event ${removed.eventId ?? 'unknown'}.`));
  if (removed?.reason === 'trashed') causes.push(cause('trashed', `A fetch found it in Notion's trash: ${at}.`, 'restore it in Notion'));
  if (removed?.reason === 'inaccessible') causes.push(cause('not_shared', `No connection of the tenant could read it: ${at}.`));
  return [...causes, ...causesOfRow(tenant, facts, facts.id ?? '')];
}

const makeSmaller = 'make it smaller in Notion: an edit has it read again';
const notARow = 'It is a page, and no row of a data source, so the mirror does not show it.';

function notShared({ row }: TenantFacts): string {
  const reasons = row === null ? 'is not shared with the integration, or is a linked database' : 'or is not shared with the integration';
  return `Notion answers 404 to every active connection of the tenant: it does not exist, ${reasons}.`;
}

const shareTheOriginal = 'for a linked view: share the original database with the integration';

function notADatabase(message: string | null): string {
  const words = message === null ? '' : ` (${message})`;
  return `Notion cannot show it as a database to any active connection${words}: it is a page, a linked view of a database that lives elsewhere, or a database without a data source that the integration can read.`;
}

/** The mirror differs, and no other cause explains it. */
function lagging({ workspaceId, record, row }: TenantFacts, { outcomes }: ExplainFacts): Cause {
  const remedy = row === null ? `mirror verify ${workspaceId} --fix` : `mirror verify --rows ${row.dataSourceId ?? workspaceId} --fix`;
  const last = outcomes.find(({ outcome }) => outcome === 'written');
  const [latest] = outcomes;
  if (latest?.outcome === 'deferred' && latest.reason === 'sweep_wanted') {
    return {
      code: 'deferred',
      workspaceId,
      text: `Many events of the tenant waited at once, so the event ${latest.eventId} was left to a comparison with Notion, which has not found it yet.`,
      remedy: `mirror reconcile status ${workspaceId}`,
    };
  }
  if (record === null && last !== undefined) {
    return {
      code: 'no_record',
      workspaceId,
      text: `The mirror wrote it for the event ${last.eventId} ${last.at.toISOString()}, and has no record of it now: MongoDB lost it, or it was removed by hand.`,
      remedy,
    };
  }
  if (record === null) {
    return {
      code: 'no_event',
      workspaceId,
      text: 'Notion shows it, but no event about it has ever arrived: a webhook was lost, or it was shared just now.',
      remedy,
    };
  }
  const since = new Date(record.asOf).toISOString();
  const event = last === undefined ? '' : ` The last event about it was received ${last.receivedAt.toISOString()}.`;
  return {
    code: 'stale',
    workspaceId,
    text: `The mirror shows it as of ${since}, and Notion has changed it since.${event} A webhook is late or lost.`,
    remedy,
  };
}

const statusOrder: readonly Connection['status'][] = ['unauthorized', 'paused', 'deleted', 'active'];

function inactive({ workspaceId, connections }: TenantFacts): Cause {
  const [first] = connections.toSorted((a, b) => statusOrder.indexOf(a.status) - statusOrder.indexOf(b.status));
  const reason = first?.statusReason === null || first === undefined ? '' : ` (${first.statusReason})`;
  const since = first === undefined ? '' : ` since ${first.updatedAt.toISOString()}`;
  switch (first?.status) {
    case 'unauthorized':
      return {
        code: 'connection_unauthorized',
        workspaceId,
        text: `Notion refuses the token of the connection ${first.connectionId}${since}${reason}.`,
        remedy: `the customer connects again in Nango; then mirror connections resume ${first.connectionId}`,
      };
    case 'paused':
      return {
        code: 'connection_paused',
        workspaceId,
        text: `The connection ${first.connectionId} is paused${since}${reason}.`,
        remedy: `mirror connections resume ${first.connectionId}`,
      };
    case 'deleted':
      return {
        code: 'connection_deleted',
        workspaceId,
        text: `The connection ${first.connectionId} is deleted${since}${reason}.`,
        remedy: `the customer connects again; then mirror connections add ${first.connectionId} …`,
      };
    case 'active':
    case undefined:
      return {
        code: 'no_connection',
        workspaceId,
        text: `The tenant ${workspaceId} has no connection.`,
        remedy: `mirror connections add … --workspace-id ${workspaceId}`,
      };
  }
}

/** The path of one event from receipt to outcome, one line per step. */
export function wayOf(outcome: EventOutcome): string[] {
  const { eventId, type, origin, receivedAt, place, waitedMs, attempts, coalescedInto, fetch, record, state, failure } = outcome;
  const signed: Partial<Record<EventOutcome['origin'], string>> = {
    nango: "signed with Nango's key",
    notion: "signed with Notion's token",
  };
  const lines = [`${eventId} (${type}) received ${receivedAt.toISOString()}, ${signed[origin] ?? `made by ${origin}`}`];
  if (place !== null) lines.push(`on the log at ${place.partition}:${place.offset} since ${place.appendedAt.toISOString()}`);
  if (waitedMs !== null)
    lines.push(`waited ${waitedMs} ms in the ${outcome.service}${attempts === null ? '' : `, ${count(attempts, 'attempt')}`}`);
  if (coalescedInto !== null) lines.push(`answered by the fetch for ${coalescedInto}`);
  if (fetch !== null)
    lines.push(`fetched in ${fetch.ms} ms with ${count(fetch.calls, 'call')}, Notion's request ${fetch.requestId ?? 'without an id'}`);
  if (record !== null) {
    const write = record.ms === null ? 'the record stayed at' : `written in ${record.ms} ms as`;
    lines.push(`${write} revision ${record.rev} of ${record.pageId ?? record.databaseId}, as of ${record.asOf.toISOString()}`);
  }
  if (state !== null) lines.push(`on the state log at ${state.partition}:${state.offset}`);
  const why = failure === null ? (outcome.reason ?? '') : `${failure.class}/${failure.code}: ${failure.message}`;
  lines.push(`${outcome.outcome}${why === '' ? '' : ` (${why})`} ${outcome.at.toISOString()} by the ${outcome.service}`);
  return lines;
}
