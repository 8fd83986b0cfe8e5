import { createHash } from 'node:crypto';
import type { DataSourceRef } from '@notion-mirror/mirror-store/contents-document';

/**
 * When all rows are to be scanned again, after a scan that began at `startedAt`: at most `intervalMs` later, and up to a fifth of it sooner, by the ids alone.
 * So the data sources of a customer that were first scanned together drift apart.
 */
export function nextFullScanAt({ workspaceId, dataSourceId }: DataSourceRef, startedAt: Date, intervalMs: number): Date {
  const share = createHash('sha256').update(`${workspaceId}:${dataSourceId}`).digest().readUInt32BE() / 2 ** 32;
  return new Date(startedAt.getTime() + Math.round(intervalMs * (1 - share / 5)));
}
