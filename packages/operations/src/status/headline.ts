import { count } from '../text.ts';
import type { GroupStatus } from './mirror-status.ts';

export interface HeadlineFacts {
  readonly at: Date;
  /** Null: Kafka did not answer, with `kafkaProblem`. */
  readonly groups: readonly Pick<GroupStatus, 'service' | 'workers' | 'lag' | 'oldestAt'>[] | null;
  readonly kafkaProblem: string | null;
  readonly deadLetters: number | null;
  /** Tenants with an active connection. */
  readonly tenants: number;
  /** Tenants that operators have paused. */
  readonly paused: number;
  /** Tenants that Notion refuses, and since when the first. */
  readonly unauthorized: { readonly tenants: number; readonly since: Date | null };
  /** Tenants whose comparison with Notion stopped before removing too much. */
  readonly stoppedSweeps: number;
  /** Data sources whose rows may not all be there. */
  readonly incompleteRows: number;
  readonly silent: number;
  readonly held: number;
  readonly spooled: number;
}

export type NeedCode =
  | 'no_worker'
  | 'kafka_unavailable'
  | 'lag'
  | 'dead_letters'
  | 'unauthorized'
  | 'sweep_stopped'
  | 'rows_incomplete'
  | 'silent'
  | 'held'
  | 'spooled';

/** Something that needs an operator. `to`: the console's page that shows it. */
export interface Need {
  readonly code: NeedCode;
  readonly level: 'warning' | 'bad';
  readonly text: string;
  readonly since: Date | null;
  readonly to: string;
}

/** `needs`: worst first; empty exactly when `level` is `good`. */
export interface Headline {
  readonly level: 'good' | 'warning' | 'bad';
  readonly text: string;
  readonly needs: readonly Need[];
}

const lateMs = 60_000;
const veryLateMs = 10 * 60_000;

/** The state of the mirror in one sentence. */
export function headlineOf(facts: HeadlineFacts): Headline {
  const needs = needsOf(facts);
  const [first] = needs;
  if (first === undefined) return { level: 'good', text: allIsWell(facts), needs };
  const text = needs.length === 1 ? first.text : `${needs.length} things need you. ${first.text}`;
  return { level: needs.some(({ level }) => level === 'bad') ? 'bad' : 'warning', text, needs };
}

function allIsWell({ tenants, paused, groups, at }: HeadlineFacts): string {
  if (tenants + paused === 0) return 'No tenant is connected yet.';
  const all = paused === 0 ? whole(tenants) : `${tenants} of ${count(tenants + paused, 'tenant')} mirrored; ${paused} paused.`;
  const oldest = oldestOf(groups ?? []);
  return oldest === null ? `${all} No change waits.` : `${all} The oldest change that is not: ${seconds(at.getTime() - oldest.getTime())}.`;
}

function whole(tenants: number): string {
  return tenants === 1 ? 'The one tenant is mirrored.' : `All ${tenants} tenants are mirrored.`;
}

function needsOf(facts: HeadlineFacts): Need[] {
  const { at, groups, kafkaProblem, deadLetters, unauthorized, stoppedSweeps, incompleteRows, silent, held, spooled } = facts;
  const needs: Need[] = [];
  for (const { service, workers, lag, oldestAt } of groups ?? []) {
    if (workers > 0) continue;
    const waiting = lag === 0 ? '' : `; ${count(lag, 'event')} ${lag === 1 ? 'waits' : 'wait'}`;
    needs.push({ code: 'no_worker', level: 'bad', text: `No ${service} is running${waiting}.`, since: oldestAt, to: '/doctor' });
  }
  if (kafkaProblem !== null) {
    needs.push({ code: 'kafka_unavailable', level: 'bad', text: `Kafka does not answer: ${kafkaProblem}`, since: null, to: '/doctor' });
  }
  const oldest = oldestOf((groups ?? []).filter(({ workers }) => workers > 0));
  const lateBy = oldest === null ? 0 : at.getTime() - oldest.getTime();
  if (lateBy > lateMs) {
    const level = lateBy > veryLateMs ? 'bad' : 'warning';
    needs.push({
      code: 'lag',
      level,
      text: `The oldest change has been waiting for ${seconds(lateBy)}.`,
      since: oldest,
      to: '/tenants?freshness=more',
    });
  }
  if (deadLetters !== null && deadLetters > 0) {
    const text = `${count(deadLetters, 'event')} could not be handled and ${deadLetters === 1 ? 'waits' : 'wait'} as dead letters.`;
    needs.push({ code: 'dead_letters', level: 'bad', text, since: null, to: '/dead-letters' });
  }
  if (unauthorized.tenants > 0) {
    const text = `${count(unauthorized.tenants, 'tenant')} must connect again: Notion refuses the token.`;
    needs.push({ code: 'unauthorized', level: 'warning', text, since: unauthorized.since, to: '/tenants?state=unauthorized' });
  }
  if (stoppedSweeps > 0) {
    const text = `${count(stoppedSweeps, 'comparison')} with Notion stopped before removing many databases.`;
    needs.push({ code: 'sweep_stopped', level: 'warning', text, since: null, to: '/sweeps?state=stopped' });
  }
  if (incompleteRows > 0) {
    const text = `The rows of ${count(incompleteRows, 'data source')} may not all be there.`;
    needs.push({ code: 'rows_incomplete', level: 'warning', text, since: null, to: '/tenants' });
  }
  if (silent > 0) {
    const text = `${count(silent, 'tenant')} ${silent === 1 ? 'sends' : 'send'} no webhooks, although Notion shows edits.`;
    needs.push({ code: 'silent', level: 'warning', text, since: null, to: '/tenants' });
  }
  if (held > 0) {
    const text = `${count(held, 'tenant')} ${held === 1 ? 'is' : 'are'} held: by Notion's limits, or by an error that is tried again.`;
    needs.push({ code: 'held', level: 'warning', text, since: null, to: '/tenants?freshness=held' });
  }
  if (spooled > 0) {
    const text = `${count(spooled, 'event')} ${spooled === 1 ? 'waits' : 'wait'} in MongoDB, since Kafka was unavailable to the ingress.`;
    needs.push({ code: 'spooled', level: 'warning', text, since: null, to: '/doctor' });
  }
  return needs;
}

function oldestOf(groups: readonly { readonly oldestAt: Date | null }[]): Date | null {
  const times = groups.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [oldestAt.getTime()]));
  return times.length === 0 ? null : new Date(Math.min(...times));
}

function seconds(ms: number): string {
  if (ms < 10_000) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
  return ms < 2 * lateMs ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
