import type { Db } from 'mongodb';
import { watchArrivals, type Arriving } from './arrivals.ts';
import type { BenchSystem } from './bench-system.ts';
import { sendWebhooks } from './load/sent-webhooks.ts';
import { cpuSecondsOf, residentMegabytesOf } from './process-cost.ts';
import type { Figures, Scenario } from './scenario.ts';
import { percentile } from './statistics.ts';
import type { Sender, Subject } from './webhooks.ts';

/** Where webhooks are sent, and where their documents arrive. */
export interface Pipeline {
  readonly url: string;
  readonly db: Db;
  readonly ingressPid: number;
  readonly workerPid: number;
}

export interface Load {
  readonly of: Arriving;
  readonly events: readonly (Sender & Subject)[];
  /** Events in a second; null: as many as are accepted. */
  readonly rate: number | null;
}

/** What `measureArrivals` measures. CPU time is per event. */
export const arrivalFigures: Scenario['figures'] = [
  { name: 'p50', unit: 'ms' },
  { name: 'p95', unit: 'ms' },
  { name: 'p99', unit: 'ms' },
  { name: 'ack p50', unit: 'ms' },
  { name: 'ack p99', unit: 'ms' },
  { name: 'documents', unit: '/s' },
  { name: 'CPU', unit: 'µs' },
  { name: 'CPU of the ingress', unit: 'µs' },
  { name: 'CPU of the worker', unit: 'µs' },
  { name: 'CPU of Kafka', unit: 'µs' },
  { name: 'CPU of MongoDB', unit: 'µs' },
  { name: 'memory of the worker', unit: 'MB' },
  { name: 'CPU of the load', unit: 'µs' },
];

/** Sends a webhook for each event: how long until MongoDB shows the change that it announced. */
export async function measureArrivals(
  { system, watchdog }: BenchSystem,
  { url, db, ingressPid, workerPid }: Pipeline,
  servers: { readonly kafka?: number | undefined; readonly mongodb?: number | undefined },
  { of, events, rate }: Load,
): Promise<Figures> {
  const { kafka = Number.NaN, mongodb = Number.NaN } = servers;
  const cost = () => [cpuSecondsOf(ingressPid), cpuSecondsOf(workerPid), cpuSecondsOf(kafka), cpuSecondsOf(mongodb)] as const;
  const before = cost();
  await using arrivals = await watchArrivals(db, of);
  const task = { url, connections: 64, rate, events } as const;
  const { sent, cpuSeconds } = await sendWebhooks(watchdog, system.nango.environment.signingKey, task);
  const arrivedAt = await arrivals.of(sent);
  const after = cost();
  const latencies = sent.map(({ eventId, sentAt }) => (arrivedAt.get(eventId) ?? Number.NaN) - sentAt);
  const acks = sent.map(({ ackMs }) => ackMs);
  const firstSent = sent.reduce((first, { sentAt }) => Math.min(first, sentAt), Number.POSITIVE_INFINITY);
  const lastArrived = [...arrivedAt.values()].reduce((last, at) => Math.max(last, at), 0);
  const each = (seconds: number) => (seconds / sent.length) * 1e6;
  const [ofIngress, ofWorker] = [each(after[0] - before[0]), each(after[1] - before[1])];
  return {
    p50: percentile(latencies, 50),
    p95: percentile(latencies, 95),
    p99: percentile(latencies, 99),
    'ack p50': percentile(acks, 50),
    'ack p99': percentile(acks, 99),
    documents: sent.length / ((lastArrived - firstSent) / 1_000),
    CPU: ofIngress + ofWorker,
    'CPU of the ingress': ofIngress,
    'CPU of the worker': ofWorker,
    'CPU of Kafka': each(after[2] - before[2]),
    'CPU of MongoDB': each(after[3] - before[3]),
    'memory of the worker': residentMegabytesOf(workerPid),
    'CPU of the load': each(cpuSeconds),
  };
}
