import { createKafka } from '@notion-mirror/event-log/kafka-client';
import { createLogger } from '@notion-mirror/service-kit/logger';

/** For parts under test and for preparation, whose logs nothing reads here. */
export const silent = createLogger({ service: 'bench', level: 'silent' });

/** KafkaJS with the product's settings. */
export function kafkaOf(brokers: readonly string[]): ReturnType<typeof createKafka> {
  return createKafka({ brokers, ssl: false, sasl: null, clientId: 'bench', logger: silent });
}
