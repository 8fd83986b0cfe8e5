import type { Attributes, SpanStart } from '@notion-mirror/service-kit/tracing/tracing';

/** The span of appending one record to a topic. */
export function sendSpan(topic: string, attributes: Attributes): SpanStart {
  return {
    name: `send ${topic}`,
    kind: 'producer',
    attributes: {
      'messaging.system': 'kafka',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic,
      ...attributes,
    },
  };
}
