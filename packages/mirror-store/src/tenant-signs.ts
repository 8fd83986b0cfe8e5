import { Gauge, type Registry } from '@notion-mirror/service-kit/metrics';
import type { Db } from 'mongodb';
import { collectionNames, openCollection } from './collections.ts';
import { orUnavailable } from './errors.ts';
import type { EventOutcome } from './event-outcomes.ts';
import { pageReads } from './page-reads.ts';

/** A tenant's last signs of life: its last webhook, and the last edit found only by a comparison with Notion. */
interface SignsDocument {
  /** workspaceId */
  readonly _id: string;
  readonly lastWebhookAt?: Date;
  /** The last edit found without a webhook that should have come. */
  readonly lastUnannouncedAt?: Date;
}

/** Records the signs of life in a batch of outcomes. */
export async function noteSigns(db: Db, outcomes: readonly EventOutcome[]): Promise<void> {
  const signs = db.collection<SignsDocument>(collectionNames.tenantSigns, { writeConcern: { w: 1 } });
  const latest = new Map<string, { lastWebhookAt?: Date; lastUnannouncedAt?: Date }>();
  for (const { workspaceId, origin, receivedAt, isUnannounced, at } of outcomes) {
    if (workspaceId === null) continue;
    const known = latest.get(workspaceId) ?? {};
    latest.set(workspaceId, known);
    if ((origin === 'nango' || origin === 'notion') && !(known.lastWebhookAt !== undefined && known.lastWebhookAt >= receivedAt)) {
      known.lastWebhookAt = receivedAt;
    }
    if (isUnannounced && !(known.lastUnannouncedAt !== undefined && known.lastUnannouncedAt >= at)) known.lastUnannouncedAt = at;
  }
  const writes = [...latest].flatMap(([_id, found]) =>
    Object.keys(found).length === 0 ? [] : [{ updateOne: { filter: { _id }, update: { $max: found }, upsert: true } }],
  );
  if (writes.length > 0) await signs.bulkWrite(writes, { ordered: false });
}

export interface SilentTenant {
  readonly workspaceId: string;
  readonly lastWebhookAt: Date | null;
  readonly lastUnannouncedAt: Date;
}

const recentMs = 24 * 60 * 60 * 1000;

/**
 * Tenants without a webhook for `silenceMs` while edits were found in Notion during the last day: their subscription is paused, or lacks the
 * event types. Rejects with a `StoreUnavailableError`.
 */
export function silentTenants(db: Db, silenceMs: number, now: Date): Promise<SilentTenant[]> {
  if (silenceMs === 0) return Promise.resolve([]);
  const signs = openCollection<SignsDocument>(db, 'tenantSigns');
  return orUnavailable('the signs of tenants could not be read', async () => {
    const before = new Date(now.getTime() - silenceMs);
    const found = await signs
      .find(
        {
          lastUnannouncedAt: { $gt: new Date(now.getTime() - recentMs) },
          $or: [{ lastWebhookAt: { $exists: false } }, { lastWebhookAt: { $lt: before } }],
        },
        pageReads,
      )
      .sort({ _id: 1 })
      .toArray();
    return found.flatMap(({ _id, lastWebhookAt, lastUnannouncedAt }) =>
      lastUnannouncedAt === undefined ? [] : [{ workspaceId: _id, lastWebhookAt: lastWebhookAt ?? null, lastUnannouncedAt }],
    );
  });
}

/** When the last webhook of each of these tenants was received; those that never had one are missing. Rejects with a `StoreUnavailableError`. */
export async function lastWebhooks(db: Db, workspaceIds: readonly string[]): Promise<ReadonlyMap<string, Date>> {
  const signs = openCollection<SignsDocument>(db, 'tenantSigns');
  const found = await orUnavailable('the signs of tenants could not be read', () =>
    signs.find({ _id: { $in: [...workspaceIds] } }, pageReads).toArray(),
  );
  return new Map(found.flatMap(({ _id, lastWebhookAt }) => (lastWebhookAt === undefined ? [] : [[_id, lastWebhookAt]])));
}

/** The number of silent tenants as a metric, read on each scrape; missing while MongoDB is unavailable. */
export function registerSilence(registry: Registry, db: Db, silenceMs: number): void {
  const gauge = new Gauge({
    name: 'notion_mirror_silent_tenants',
    help: 'Tenants without a webhook for MIRROR_SILENCE_HOURS while Notion shows edits: a paused subscription, or missing event types.',
    registers: [registry],
    async collect() {
      try {
        gauge.set((await silentTenants(db, silenceMs, new Date())).length);
      } catch {
        gauge.reset();
      }
    },
  });
}
