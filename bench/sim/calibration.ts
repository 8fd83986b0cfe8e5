/**
 * What the simulation knows of the product and the machine. CPU is of `npm run bench -- --only burst-5000,event-to-document` on a machine with two cores: what an event costs
 * each process when there is no end of them, and what it costs more when the process was asleep (the kernel wakes it, caches are cold, nothing is in a batch), from
 * the ingress alone at 50 events a second. No figure here was chosen so that a latency or a rate comes out right.
 */
export const calibration = {
  cores: 2,
  /** µs of CPU an event, in a burst. `notion`: the emulator, for each call. */
  cpu: { load: 181, ingress: 202, broker: 162, worker: 840, mongod: 296, notion: 100 },
  /** µs more when a process was asleep, and how long it has nothing to do before it is, ms: from the ingress at 50 events a second, less what it takes when idle. */
  wakeUp: 1_200,
  sleepsAfterMs: 1,
  /** ms between an append and its acknowledgement, or a write and its majority, when nobody waits: by the metrics of the publisher and of the store. */
  appendMs: 2,
  writeMs: 2,
} as const;

/** As in packages/event-log/src/lane-consumer.ts and docs/configuration.md. */
export const defaults = { partitions: 24, workers: 1, slots: 512, perLane: 4, callsPerMinute: 180 } as const;
