import type { MirrorConfig } from '@notion-mirror/service-kit/config';

/** Settings that are each good and together unwise, in words for the operator. */
export function settingsAdvice(config: MirrorConfig): string[] {
  const advice: string[] = [];
  if (config.tombstoneTtlSeconds < config.retentionSeconds) {
    advice.push(
      'MIRROR_TOMBSTONE_TTL_DAYS is shorter than MIRROR_KAFKA_RETENTION_DAYS: reading the log again from its beginning would ask Notion for databases that are long gone',
    );
  }
  if (config.encryptionKey === null) {
    advice.push('MIRROR_ENCRYPTION_KEY is not set: Notion tokens cannot be stored, and a handshake token is kept in the clear');
  }
  if (config.kafka.sasl?.mechanism === 'plain' && !config.kafka.ssl) {
    advice.push('MIRROR_KAFKA_SSL is false and the SASL mechanism is plain: the password crosses the network in the clear');
  }
  const configured = config.nangoSigningKeys.length + config.notionVerificationTokens.length;
  if (configured === 0 && config.notionHandshake === 'off') {
    advice.push(
      'no webhook can be accepted: neither MIRROR_NANGO_SIGNING_KEYS nor MIRROR_NOTION_VERIFICATION_TOKENS is set, and MIRROR_NOTION_HANDSHAKE is off',
    );
  }
  return advice;
}
