import type { ReplayOrder } from '@notion-mirror/mirror-store/replays';
import { parseRef, sinceOption } from './dead-letter-options.ts';
import { usageError } from './exit-code.ts';
import { notionIdOption, opaqueId } from './option-values.ts';

/** As parsed by commander. */
export interface ReplayOptions {
  readonly fromStates?: boolean;
  readonly shadow?: boolean;
  readonly since?: string;
  readonly offset?: readonly string[];
  readonly workspaceId?: string;
  readonly databaseId?: string;
}

/** Throws a usage error. `since` is stored as a time or as offsets, so that a resumed replay means the same. */
export function orderOf(options: ReplayOptions, now: Date): ReplayOrder {
  const { fromStates = false, shadow = false, since, offset, workspaceId, databaseId } = options;
  if (since !== undefined && offset !== undefined) throw usageError('--since and --offset exclude each other');
  if (fromStates && (since !== undefined || offset !== undefined)) {
    throw usageError('--from-states takes no beginning: the state log holds the latest state of every database, wherever it lies');
  }
  if (shadow && !fromStates) throw usageError('--shadow goes with --from-states: what is fetched again is written by the workers');
  if (shadow && (workspaceId !== undefined || databaseId !== undefined)) {
    throw usageError('--shadow takes every tenant: it is meant to take the place of the mirror');
  }
  const places = offset?.map((place) => parseRef(place)).map(({ partition, offset: at }) => `${partition}:${at}`);
  return {
    source: fromStates ? 'states' : 'events',
    into: shadow ? 'shadow' : 'mirror',
    workspaceId: workspaceId === undefined ? null : opaqueId('tenant', '--workspace-id', workspaceId),
    databaseId: notionIdOption('--database-id', databaseId),
    since: since === undefined ? (places?.join(' ') ?? null) : sinceOption(since, now).toISOString(),
  };
}
