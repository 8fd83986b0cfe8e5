import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import { inSpan } from '@notion-mirror/service-kit/tracing/in-span';
import { isSampled } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Link, Span, Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import type { EventCodec } from './event-codec.ts';
import { toRecord } from './event-record.ts';
import type { Publisher } from './publisher.ts';
import { sendSpan } from './send-span.ts';

/** Appends an event to the log. Resolves when it is durable; rejects with PublishError. */
export type SendEvent = (
  event: DatabaseEvent,
  options?: { readonly accessibleBy?: readonly string[]; readonly links?: readonly Link[] },
) => Promise<void>;

export function createSendEvent(deps: {
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly topic: string;
  readonly codec: Pick<EventCodec, 'encode'>;
  readonly tracing: Tracing;
}): SendEvent {
  const { publisher, topic, codec, tracing } = deps;
  return async function sendEvent(event, { accessibleBy, links } = {}) {
    const { sent, span } = startSend(tracing, topic, event, links);
    await inSpan(span, async () => {
      await publisher.publish(toRecord({ topic, event: sent, codec, accessibleBy }));
      span?.set({ 'notion_mirror.to': 'log' });
    });
  };
}

/** The span of appending an event, and the event as it is to be appended: its handler continues from there. */
export function startSend(
  tracing: Tracing,
  topic: string,
  event: DatabaseEvent,
  links?: readonly Link[],
): { readonly sent: DatabaseEvent; readonly span: Span | null } {
  if (!isSampled(event.trace)) return { sent: event, span: null };
  const about = {
    'messaging.message.id': event.eventId,
    'notion_mirror.workspace_id': event.workspaceId,
    'notion_mirror.origin': event.origin,
  };
  const span = tracing.child(event.trace, { ...sendSpan(topic, about), links });
  return { sent: span === null ? event : { ...event, trace: span.trace }, span };
}
