import type { LogLine } from '@notion-mirror/demo/service-process';
import { actionOf, kindOfEventType } from '@notion-mirror/domain/database-event';
import type { Db } from 'mongodb';

/** Each event in the services' logs: accepted by the ingress, and its outcome in a worker. */
export interface Ledger {
  read(line: LogLine): void;
  /** Events that were answered with 200 and have no worker outcome. Asks the store for those that share the outcome of another about the same row. */
  withoutOutcome(db: Db): Promise<readonly string[]>;
  readonly figures: Readonly<LedgerFigures>;
}

export type LedgerFigures = Record<'accepted' | 'spooled' | 'handled' | 'coalesced' | 'parked', number>;

export function createLedger(): Ledger {
  /** From event and tenant to the worker that must log an outcome. */
  const accepted = new Map<string, 'sync-worker' | 'delete-worker'>();
  const handled = new Set<string>();
  const figures = { accepted: 0, spooled: 0, handled: 0, coalesced: 0, parked: 0 };

  return {
    figures,
    read(line) {
      if (line.service === 'ingress' && line.msg === 'event accepted') {
        const kind = kindOfEventType(String(line['type']));
        const worker = kind !== null && actionOf(kind) === 'delete' ? 'delete-worker' : 'sync-worker';
        const key = keyOf(worker, line['workspaceId'], line['eventId']);
        if (!accepted.has(key)) figures.accepted += 1;
        accepted.set(key, worker);
        if (line['to'] === 'spool') figures.spooled += 1;
      }
      if (line.outcome === undefined) return;
      const key = keyOf(line.service, line['workspaceId'], line['eventId']);
      if (!handled.has(key)) figures.handled += 1;
      handled.add(key);
      if (line['coalescedInto'] !== undefined) figures.coalesced += 1;
      if (line.outcome === 'parked') figures.parked += 1;
    },
    async withoutOutcome(db) {
      const missing = [...accepted.keys()].filter((key) => !handled.has(key));
      if (missing.length === 0) return [];
      const ids = missing.map((key) => key.split(' ')[2] ?? '');
      const outcomes = db.collection<SharedOutcome>('event_outcomes').find({ subjects: { $in: ids }, others: { $exists: true } });
      for await (const { service, workspaceId, others } of outcomes) {
        for (const eventId of others) handled.add(keyOf(service, workspaceId, eventId));
      }
      return missing.filter((key) => !handled.has(key));
    },
  };
}

/** The stored outcome of several events. */
interface SharedOutcome {
  readonly service: string;
  readonly workspaceId: string;
  readonly others: readonly string[];
}

function keyOf(service: string, workspaceId: unknown, eventId: unknown): string {
  return `${service} ${String(workspaceId)} ${String(eventId)}`;
}
