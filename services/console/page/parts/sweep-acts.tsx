import { Group } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { CompareOrder } from '../../src/answers/acting.ts';
import type { Sweep } from '../../src/answers/sweeps.ts';
import { compare, tenant as tenantQuery } from '../api.ts';
import { Act } from './act.tsx';
import { count, shellWord } from './text.ts';

/** Compare now; of a stopped comparison also: accept what it would remove. `whyId`: see `Act`. */
export function SweepActs({
  sweep: { workspaceId, last },
  whyId,
}: {
  readonly sweep: Pick<Sweep, 'workspaceId' | 'last'>;
  readonly whyId?: string;
}) {
  const client = useQueryClient();
  const act = async (order: CompareOrder, said: string) => {
    await compare(workspaceId, order);
    await Promise.all([
      client.invalidateQueries({ queryKey: ['/sweeps'] }),
      client.invalidateQueries({ queryKey: tenantQuery(workspaceId).queryKey }),
    ]);
    return said;
  };
  const shared = { action: 'compare', about: workspaceId, ...(whyId === undefined ? {} : { whyId }) } as const;
  const command = `mirror reconcile run ${shellWord(workspaceId)}`;
  return (
    <Group gap={6}>
      <Act
        {...shared}
        label="Compare now"
        title={`Compare ${workspaceId} with Notion`}
        command={command}
        onAct={async (reason) => act({ reason }, 'Requested: a sync-worker begins it.')}
      >
        A sync-worker compares all databases of the tenant with Notion, and repairs what differs. It asks Notion for each of them.
      </Act>
      {last?.stopped === true ? (
        <Act
          {...shared}
          label="Accept removals"
          title={`Let ${count(last.removals, 'database')} of ${workspaceId} go`}
          command={`${command} --accept-removals`}
          typed={{ label: `Type the number of databases that go: ${last.removals}`, value: String(last.removals) }}
          onAct={async (reason) =>
            act({ reason, acceptRemovals: true, count: last.removals }, 'Requested: a sync-worker removes what Notion no longer shows.')
          }
        >
          Notion no longer shows {count(last.removals, 'database')}. The next comparison removes them from the mirror, with their rows;
          readers see tombstones. What Notion shows again later is mirrored again.
        </Act>
      ) : null}
    </Group>
  );
}
