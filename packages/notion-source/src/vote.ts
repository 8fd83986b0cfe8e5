import type { Connection, ConnectionStatus } from '@notion-mirror/domain/connection';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import { LRUCache } from 'lru-cache';
import type { CallProblem, ConnectionCalls, SessionCall } from './connection-calls.ts';
import type { SourceFailure } from './notion-errors.ts';
import type { Sight } from './sight.ts';

export interface Asking {
  /** Our tenant. */
  readonly workspaceId: string;
  /** The connection that the event came through. */
  readonly preferConnectionId?: string | null | undefined;
  /** Bots that can read the entity, according to the webhook. Only a hint which connection to ask first. */
  readonly accessibleBy?: readonly string[] | undefined;
  /** From 1; the backoff of a `retry` grows with it. Default 1. */
  readonly attempt?: number | undefined;
  /** Called for each answer of Notion with its request id. */
  readonly onAnswer?: ((requestId: string | null) => void) | undefined;
  /** The context that the calls belong to. */
  readonly trace?: string | undefined;
}

/** No connection could answer. */
export type Unanswered =
  | { readonly kind: 'no_active_connection'; readonly statuses: readonly ConnectionStatus[] }
  /**
   * `at`: when to try again, epoch milliseconds, backoff and Retry-After included. Scope `connection`: nothing of this tenant can be fetched
   * before; `request`: it concerns this fetch only.
   */
  | { readonly kind: 'retry'; readonly at: number; readonly scope: 'connection' | 'request'; readonly failure: SourceFailure }
  /** Trying again will not help. */
  | { readonly kind: 'failed'; readonly failure: SourceFailure };

/** `gone`: every connection that is still active says so; `refusal`: an answer, if any, that the id is nothing that Notion can show. */
export type Verdict<T> =
  | { readonly kind: 'seen'; readonly value: T; readonly connectionId: string }
  | { readonly kind: 'gone'; readonly refusal: SourceFailure | null }
  | Unanswered;

/**
 * Looks at an object through the active connections of a tenant, one after the other, until one sees it. `reserve` and `share`: see
 * SessionOptions.
 */
export type Vote = <T>(
  asking: Asking,
  objectId: string,
  budget: { readonly reserve: number; readonly share?: number | undefined },
  signal: AbortSignal,
  look: (call: SessionCall) => Promise<Sight<T>>,
) => Promise<Verdict<T>>;

const rememberedObjects = 20_000;

export function createVote(deps: {
  /** The connections of a tenant, of every status. */
  readonly connectionsOf: (workspaceId: string) => readonly Connection[];
  readonly calls: ConnectionCalls;
}): Vote {
  const { connectionsOf, calls } = deps;
  /** Which connection saw an object last. */
  const lastSeenBy = new LRUCache<string, string>({ max: rememberedObjects });

  return async function vote(asking, objectId, budget, signal, look) {
    const { workspaceId, attempt = 1, onAnswer, trace } = asking;
    const object = `${workspaceId} ${objectId}`;
    const problems = new Map<string, CallProblem>();
    for (const connection of inOrder(connectionsOf(workspaceId), asking, lastSeenBy.get(object))) {
      const { connectionId } = connection;
      const sight = await calls.begin(connection, { ...budget, attempt, signal, onAnswer, trace }, look);
      if (sight.kind === 'seen') {
        lastSeenBy.set(object, connectionId);
        return { ...sight, connectionId };
      }
      problems.set(connectionId, sight);
      if (signal.aborted) break;
    }
    return countVotes(problems, connectionsOf(workspaceId));
  };
}

/**
 * The active connections, in the order in which they are asked: first those whose bot the webhook names, then the event's own, then the one
 * that saw the object last.
 */
export function inOrder(connections: readonly Connection[], asking: Asking, seenBy: string | undefined): Connection[] {
  const bots = new Set((asking.accessibleBy ?? []).map(sameId));
  const rank = ({ botId, connectionId }: Connection): number =>
    (botId !== null && bots.has(sameId(botId)) ? 4 : 0) +
    (connectionId === asking.preferConnectionId ? 2 : 0) +
    (connectionId === seenBy ? 1 : 0);
  return connections
    .filter(({ status }) => status === 'active')
    .toSorted((a, b) => rank(b) - rank(a) || (a.connectionId < b.connectionId ? -1 : 1));
}

/**
 * The result when no connection sees the object. `problems`: of each connection that was asked. A `retry` outweighs a failure, and a failure
 * outweighs votes for `gone`. `connections`: the tenant's, as they are now.
 */
export function countVotes(
  problems: ReadonlyMap<string, CallProblem>,
  connections: readonly Connection[],
): { readonly kind: 'gone'; readonly refusal: SourceFailure | null } | Unanswered {
  const found = [...problems.values()];
  const [soonest] = found.filter((problem) => problem.kind === 'retry').toSorted((a, b) => a.at - b.at);
  if (soonest !== undefined) {
    const allWait = found.every((problem) => problem.kind === 'dead' || (problem.kind === 'retry' && problem.scope === 'connection'));
    return { ...soonest, scope: allWait ? 'connection' : 'request' };
  }
  const failed = found.find((problem) => problem.kind === 'failed');
  if (failed !== undefined) return failed;
  const votes = found.filter((problem) => problem.kind === 'gone').map(({ failure }) => failure);
  if (votes.length > 0) return { kind: 'gone', refusal: votes.find((vote) => vote.class === 'unreadable') ?? null };
  const statuses = connections.map(({ connectionId, status }) => (problems.get(connectionId)?.kind === 'dead' ? 'unauthorized' : status));
  return { kind: 'no_active_connection', statuses };
}

function sameId(id: string): string {
  return canonicalNotionId(id) ?? id;
}
