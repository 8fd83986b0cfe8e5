import { createLogger } from '@notion-mirror/service-kit/logger';
import { describe, expect, it } from 'vitest';
import { createKafka } from './kafka-client.ts';

function kafkaLoggingTo(lines: string[], level: 'trace' | 'info') {
  const logger = createLogger({ service: 'test', level, destination: { write: (line) => void lines.push(line) } });
  const sasl = { mechanism: 'scram-sha-512', username: 'mirror', password: 'do-not-print' } as const;
  return createKafka({ brokers: ['127.0.0.1:1'], ssl: true, sasl, clientId: 'test', logger });
}

describe('the Kafka client', () => {
  it('logs through our logger: retried errors are warnings, expected warnings are for debugging', () => {
    const lines: string[] = [];
    const logger = kafkaLoggingTo(lines, 'info').logger();
    logger.error('Connection error', { broker: '127.0.0.1:1', stack: 'a long story' });
    logger.warn('Limiting retries for the idempotent producer may invalidate EoS guarantees');
    logger.info('Pausing fetching from 1 topics');
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 'warn', msg: 'Connection error', part: 'kafkajs', broker: '127.0.0.1:1' }),
    ]);
    expect(lines.join()).not.toContain('a long story');
  });

  it('never logs the password', async () => {
    const lines: string[] = [];
    const admin = kafkaLoggingTo(lines, 'trace').admin({ retry: { retries: 0 } });
    await expect(admin.connect()).rejects.toThrow('Connection error');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.join()).not.toContain('do-not-print');
  });
});
