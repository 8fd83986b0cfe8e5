import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { createLogger } from '@notion-mirror/service-kit/logger';

/** For parts that are measured or that prepare something: what they would say is nobody's business here. */
export const silent = createLogger({ service: 'bench', level: 'silent' });

/** The product's own settings of KafkaJS. */
export function kafkaOf(brokers: readonly string[]): ReturnType<typeof createKafka> {
  return createKafka({ brokers, ssl: false, sasl: null, clientId: 'bench', logger: silent });
}
