import type { OutgoingRecord } from '@notion-mirror/event-log/event-record';
import type { BodyProblem, Route } from './webhook-body.ts';

/**
 * The dead letter of a signed but unreadable webhook: its exact bytes, without a key (its tenant is unknown), and the reason as text in
 * the `dlq.*` headers of every dead letter. `dlq.route` names the parser for a redrive.
 */
export function quarantinedRecord(webhook: {
  readonly topic: string;
  readonly raw: Buffer;
  readonly route: Route;
  readonly problem: BodyProblem;
  readonly detail: string;
  readonly receivedAt: Date;
}): OutgoingRecord {
  const { topic, raw, route, problem, detail, receivedAt } = webhook;
  const time = receivedAt.toISOString();
  return {
    topic,
    key: null,
    value: raw,
    headers: {
      'content-type': 'application/json',
      'dlq.error.class': 'unreadable',
      'dlq.error.code': problem,
      'dlq.error.message': detail.slice(0, 1000).toWellFormed(),
      'dlq.attempts': '1',
      'dlq.first_failed_at': time,
      'dlq.failed_at': time,
      'dlq.service': 'ingress',
      'dlq.route': route,
      'dlq.received_at': time,
    },
  };
}
