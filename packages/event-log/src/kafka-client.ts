import type { KafkaConfig } from '@notion-mirror/service-kit/config';
import type { Logger } from '@notion-mirror/service-kit/logger';
import { Kafka, logLevel, type Admin, type KafkaConfig as KafkaJsConfig, type LogEntry } from 'kafkajs';

export interface KafkaSettings extends KafkaConfig {
  /** Names this process in the broker's logs and quotas. */
  readonly clientId: string;
  readonly logger: Logger;
}

/**
 * A KafkaJS client that logs to `logger`. KafkaJS usually retries after an error, so its errors are warnings here: the parts that use the
 * client report what fails permanently.
 */
export function createKafka(settings: KafkaSettings): Kafka {
  const { brokers, ssl, sasl, clientId } = settings;
  const logger = settings.logger.child({ part: 'kafkajs' });
  return new Kafka({
    brokers: [...brokers],
    ssl: typeof ssl === 'boolean' ? ssl : { ...ssl },
    ...(sasl === null ? {} : { sasl: saslOptions(sasl) }),
    clientId,
    // A broker that hangs is noticed after this; the default of 30 s is half of a rebalance timeout.
    requestTimeout: 10_000,
    connectionTimeout: 3_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: logger.isLevelEnabled('trace') ? logLevel.DEBUG : logLevel.INFO,
    logCreator: () => (entry) => log(logger, entry),
  });
}

/** Connects, uses, and always disconnects. */
export async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

function saslOptions({ mechanism, username, password }: NonNullable<KafkaSettings['sasl']>): NonNullable<KafkaJsConfig['sasl']> {
  switch (mechanism) {
    case 'plain':
      return { mechanism, username, password };
    case 'scram-sha-256':
      return { mechanism, username, password };
    case 'scram-sha-512':
      return { mechanism, username, password };
  }
}

/** Fields of every KafkaJS entry that pino adds already, and stack traces of errors that are retried. */
const leftOut = new Set(['message', 'timestamp', 'logger', 'stack']);

/** Warnings about intended behaviour: the publisher replaces a producer that fails, and groups rebalance. */
const expected = ['Limiting retries for the idempotent producer', 'The group is rebalancing, re-joining'];

function log(logger: Logger, { namespace, level, log: entry }: LogEntry): void {
  const fields = { namespace, ...Object.fromEntries(Object.entries(entry).filter(([name]) => !leftOut.has(name))) };
  if (expected.some((beginning) => entry.message.startsWith(beginning))) return logger.debug(fields, entry.message);
  switch (level) {
    case logLevel.ERROR:
    case logLevel.WARN:
      return logger.warn(fields, entry.message);
    case logLevel.INFO:
      return logger.debug(fields, entry.message);
    case logLevel.DEBUG:
    case logLevel.NOTHING:
      return logger.trace(fields, entry.message);
  }
}
