import type { Replay } from '@notion-mirror/mirror-store/replays';

export function replayJson({
  id,
  source,
  into,
  workspaceId,
  databaseId,
  since,
  status: state,
  startedAt,
  updatedAt,
  ranges,
  counts,
}: Replay) {
  const [done, all] = shareOf(ranges);
  const times = { startedAt: startedAt.toISOString(), updatedAt: updatedAt.toISOString() };
  return {
    id,
    source,
    into,
    workspaceId,
    databaseId,
    since,
    status: state,
    ...times,
    offsetsDone: done,
    offsets: all,
    counts: { ...counts },
  };
}

export function shareOf(ranges: Replay['ranges']): [number, number] {
  return ranges.reduce<[number, number]>(([done, all], { from, next, to }) => [done + next - from, all + to - from], [0, 0]);
}
