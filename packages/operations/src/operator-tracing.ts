import { createSendEvent, type SendEvent } from '@notion-mirror/event-log/send-event';
import { topicsFor } from '@notion-mirror/event-log/topics';
import { endFailed } from '@notion-mirror/service-kit/tracing/in-span';
import { openTracing } from '@notion-mirror/service-kit/tracing/open-tracing';
import type { Attributes } from '@notion-mirror/service-kit/tracing/tracing';
import type { OperationContext } from './operation-context.ts';
import { eventCodecOf, openPublisher } from './servers.ts';

/**
 * Runs an operation that appends events, all of them in one new trace. `name`: of its first span. Flushes the events and the spans. Rejects with what `run`
 * does.
 */
export async function sendingEvents<T>(
  context: OperationContext,
  name: string,
  attributes: Attributes,
  run: (sending: { readonly send: SendEvent; readonly trace: string }) => Promise<T>,
): Promise<T> {
  // The exporter of OpenTelemetry reads this environment, too.
  const { tracing, stop } = await openTracing({ service: 'cli', env: process.env, logger: context.logger });
  const trace = tracing.newTrace();
  const span = tracing.root(trace, { name, kind: 'internal', attributes });
  try {
    const codec = await eventCodecOf(context);
    const publisher = await openPublisher(context);
    try {
      const send = createSendEvent({ publisher, topic: topicsFor(context.config.topicPrefix).events, codec, tracing });
      const result = await run({ send, trace });
      span?.end();
      return result;
    } finally {
      await publisher.stop();
    }
  } catch (error) {
    endFailed(span, error);
    throw error;
  } finally {
    await stop();
  }
}
