import type { LogLine } from '@notion-mirror/demo/service-process';
import { kindOfEventType } from '@notion-mirror/domain/database-event';

/** Each event in the services' logs: accepted by the ingress, and its outcome in a worker. */
export interface Ledger {
  read(line: LogLine): void;
  /** Events that were answered with 200 and have no worker outcome. */
  withoutOutcome(): readonly string[];
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
        const worker = kindOfEventType(String(line['type'])) === 'delete' ? 'delete-worker' : 'sync-worker';
        const key = keyOf(worker, line);
        if (!accepted.has(key)) figures.accepted += 1;
        accepted.set(key, worker);
        if (line['to'] === 'spool') figures.spooled += 1;
      }
      if (line.outcome === undefined) return;
      const key = keyOf(line.service, line);
      if (!handled.has(key)) figures.handled += 1;
      handled.add(key);
      if (line['coalescedInto'] !== undefined) figures.coalesced += 1;
      if (line.outcome === 'parked') figures.parked += 1;
    },
    withoutOutcome: () => [...accepted.keys()].filter((key) => !handled.has(key)),
  };
}

function keyOf(service: string, { eventId, workspaceId }: LogLine): string {
  return `${service} ${String(workspaceId)} ${String(eventId)}`;
}
