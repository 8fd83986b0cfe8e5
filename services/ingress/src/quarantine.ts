import type { OutgoingRecord } from '@notion-mirror/event-log/event-record';
import type { BodyProblem, Route } from './webhook-body.ts';

/**
 * The dead letter of a signed webhook that could not be read: its exact bytes, without a key (nobody knows whose it is), and why, as text in
 * the `dlq.*` headers that every dead letter has. `dlq.route` says which reader to give it to again.
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
