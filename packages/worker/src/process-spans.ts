import type { DatabaseEvent } from '@notion-mirror/domain/database-event';
import type { Failure } from '@notion-mirror/domain/failure';
import type { Outcome, WorkItem } from '@notion-mirror/event-log/lanes/work';
import { groupIdFor } from '@notion-mirror/event-log/topics';
import { endFailed } from '@notion-mirror/service-kit/tracing/in-span';
import { isSampled } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Attributes, Span, Tracing } from '@notion-mirror/service-kit/tracing/tracing';
import type { Worker } from './run-worker.ts';

type Item = WorkItem<DatabaseEvent>;

/** OpenTelemetry's limit for a span. */
const maxLinks = 128;

/** The context of the handling that answered an event, if it is known, and when that began, epoch ms. `leftTo`: of the scan or sweep that is to answer it. */
export interface AnsweredBy {
  readonly trace: string | undefined;
  readonly leftTo?: string | undefined;
  readonly since: number;
}

/** The spans of handling events (`process <topic>`). */
export interface ProcessSpans {
  /**
   * Of one attempt at the events of a task. Its parent is the context of `newest`, or of another one if only that is sampled; it links to all of them.
   * Null: tracing is off.
   */
  start(items: readonly Item[], newest: Item, attempt: number): Span | null;
  /**
   * Of an event that the handling of another one has answered, made when that has ended. Without it the event's trace would end on the log, as links only
   * point back. Returns the context of the span, or that of the event if it is not sampled.
   */
  answered(event: Item, by: AnsweredBy, attributes: Attributes): string | undefined;
}

export function openProcessSpans({ service, config, topics, tracing }: Worker): ProcessSpans {
  return createProcessSpans({ tracing, topic: topics.events, group: groupIdFor(config.topicPrefix, service) });
}

export function createProcessSpans(deps: { readonly tracing: Tracing; readonly topic: string; readonly group: string }): ProcessSpans {
  const { tracing, topic, group } = deps;
  const name = `process ${topic}`;
  const common = {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': topic,
    'messaging.consumer.group.name': group,
  };

  function aboutOf({ record, item }: Item): Attributes {
    const { eventId, type, workspaceId, databaseId, dataSourceId, pageId, origin } = item;
    return {
      ...common,
      'messaging.message.id': eventId,
      'messaging.destination.partition.id': String(record.partition),
      'messaging.kafka.offset': Number(record.offset),
      'notion_mirror.event_type': type,
      'notion_mirror.origin': origin,
      'notion_mirror.workspace_id': workspaceId,
      'notion_mirror.database_id': databaseId ?? undefined,
      'notion_mirror.data_source_id': dataSourceId ?? undefined,
      'notion_mirror.page_id': pageId ?? undefined,
    };
  }

  return {
    start(items, newest, attempt) {
      if (!tracing.isOn) return null;
      const waitedMs = Math.max(0, Date.now() - newest.takenAt);
      const leading = isSampled(newest.item.trace) ? newest : (items.findLast(({ item }) => isSampled(item.trace)) ?? newest);
      return tracing.observed(leading.item.trace ?? tracing.newTrace(), () => ({
        name,
        kind: 'consumer',
        attributes: {
          ...aboutOf(newest),
          'messaging.batch.message_count': items.length,
          'notion_mirror.attempt': attempt,
          'notion_mirror.waited_ms': waitedMs,
        },
        links: [leading, ...items.filter((item) => item !== leading).slice(0, maxLinks - 1)].flatMap(linkTo),
      }));
    },
    answered(event, { trace: answeredBy, leftTo, since }, attributes) {
      if (!isSampled(event.item.trace)) return event.item.trace;
      const span = tracing.child(event.item.trace, {
        name,
        kind: 'consumer',
        attributes: { ...aboutOf(event), ...attributes },
        links: [answeredBy, leftTo].flatMap((trace) => (trace === undefined ? [] : [{ trace }])),
        startedAt: since,
      });
      span?.end();
      return span?.trace ?? event.item.trace;
    },
  };
}

function linkTo({ record, item }: Item): { readonly trace: string; readonly attributes: Attributes }[] {
  if (item.trace === undefined) return [];
  const attributes = {
    'messaging.message.id': item.eventId,
    'messaging.destination.partition.id': String(record.partition),
    'messaging.kafka.offset': Number(record.offset),
  };
  return [{ trace: item.trace, attributes }];
}

/** Ends the span of an attempt. One that ends as a dead letter is kept. */
export function endWithOutcome(span: Span | null, outcome: Outcome): void {
  if (span === null) return;
  switch (outcome.kind) {
    case 'done':
      return span.end();
    case 'retry':
      span.set({ 'notion_mirror.outcome': 'retry' });
      return span.end(codeOf(outcome.failure));
    case 'dead':
      span.set({ 'notion_mirror.outcome': 'dead_letter' });
      span.keep();
      return span.end(codeOf(outcome.failure));
  }
}

/** Ends the span of a handler that threw: its events are retried, and become dead letters in the end. */
export function endThrown(span: Span | null, error: unknown): void {
  span?.keep();
  endFailed(span, error);
}

function codeOf({ class: failureClass, code }: Failure): string {
  return `${failureClass}/${code}`;
}
