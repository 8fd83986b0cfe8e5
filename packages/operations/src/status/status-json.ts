import type { TenantBacklog } from '@notion-mirror/mirror-store/worker-status';
import { summaryJson } from '../rows/contents-json.ts';
import { notionUseJson } from './notion-use.ts';
import type { GroupStatus, MirrorStatus } from './mirror-status.ts';

export function statusJson(status: MirrorStatus) {
  const { at, tenants, connections, deadLetters, spooled, parked } = status;
  return {
    at: at.toISOString(),
    tenants: { ...tenants },
    connections: { ...connections },
    groups: status.groups.map((group) => ({
      ...group,
      oldestAt: group.oldestAt?.toISOString() ?? null,
      lagSeconds: lagSeconds(group, at),
    })),
    pending: status.pending.map(backlogJson),
    held: status.held.map(backlogJson),
    deadLetters,
    spooled,
    parked,
    silent: status.silent.map(({ workspaceId, lastWebhookAt, lastUnannouncedAt }) => ({
      workspaceId,
      lastWebhookAt: lastWebhookAt?.toISOString() ?? null,
      lastUnannouncedAt: lastUnannouncedAt.toISOString(),
    })),
    notion: notionUseJson(status.notion),
    rows: {
      mirrored: status.rows.mirrored,
      ...summaryJson(status.rows),
      incomplete: status.rows.incomplete.map(({ workspaceId, databaseId, dataSourceId, reason }) => ({
        workspaceId,
        databaseId,
        dataSourceId,
        reason,
      })),
    },
  };
}

function backlogJson({ workspaceId, waiting, oldestAt, held }: TenantBacklog) {
  return {
    workspaceId,
    waiting,
    oldestAt: oldestAt.toISOString(),
    held: held === null ? null : { ...held, until: held.until.toISOString() },
  };
}

export function lagSeconds({ oldestAt }: GroupStatus, at: Date): number {
  return oldestAt === null ? 0 : Math.max(0, Math.round((at.getTime() - oldestAt.getTime()) / 1000));
}
