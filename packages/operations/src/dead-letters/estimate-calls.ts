import { actionOf } from '@notion-mirror/domain/database-event';
import type { EventCodec } from '@notion-mirror/event-log/event-codec';
import type { Mongo } from '@notion-mirror/mirror-store/client';
import type { OperationContext } from '../operation-context.ts';
import { createTargetCollector } from '../replay/from-events.ts';
import { callsByTenant } from '../replay/plan.ts';
import { eventCodecOf } from '../servers.ts';
import type { Letter } from './topic.ts';

/** What it costs to handle letters again. */
export interface CallsEstimate {
  add(letter: Letter): Promise<void>;
  /** Calls to Notion; null: not known, since a webhook is among them or the schema registry does not answer. */
  sum(): Promise<number | null>;
}

/** Several events about one database are one fetch. What is unreadable still costs nothing, since it comes back. */
export function estimateCalls(context: OperationContext, db: Mongo['db']): CallsEstimate {
  const targets = createTargetCollector({ workspaceId: null, databaseId: null });
  let codec: Promise<EventCodec> | null = null;
  let isKnown = true;
  return {
    async add({ record, redrive }) {
      if (redrive.to !== 'log') isKnown = false;
      if (!isKnown || record.value === null) return;
      codec ??= eventCodecOf(context);
      const decoded = await codec.then(
        async (one) => (record.value === null ? null : one.decode(record.value)),
        () => null,
      );
      if (decoded === null || decoded.kind === 'unavailable') isKnown = false;
      else if (decoded.kind === 'event' && actionOf(decoded.event.kind) === 'sync') targets.add(decoded.event);
    },
    async sum() {
      if (!isKnown) return null;
      const calls = await callsByTenant(db, targets.targets());
      return [...calls.values()].reduce((sum, number) => sum + number, 0);
    },
  };
}
