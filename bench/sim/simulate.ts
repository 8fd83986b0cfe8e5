import { shouldPause, type Load } from '@notion-mirror/event-log/lanes/intake-bounds';
import { defaultLimits } from '@notion-mirror/event-log/lanes/lane-consumer';
import { partitionOfKey } from '@notion-mirror/event-log/stable-partitioner';
import { defaultTopicSettings } from '@notion-mirror/event-log/topics';
import { createRateBudget, type Permit } from '@notion-mirror/notion-source/rate-budget';
import { percentile } from '../statistics.ts';
import { createAgenda } from './agenda.ts';
import { mainThreadShare, parts, type Calibration, type ProcessKind } from './calibration.ts';
import { createMachine } from './machine.ts';

export interface Arrival {
  /** ms after the start. */
  readonly at: number;
  readonly workspace: number;
  readonly database: number;
  /** The mirror has it: its container and its data source are read at once, else one after the other. */
  readonly known: boolean;
}

export interface World {
  readonly arrivals: readonly Arrival[];
  /** What Notion takes for a call, ms. */
  readonly callMs: number;
  readonly partitions?: number;
  readonly ingresses?: number;
  readonly workers?: number;
  readonly callsPerMinute?: number;
  readonly cores?: number;
  /** The events are on the log already when they come: no ingress and no load has work with them. */
  readonly onLog?: boolean;
  /** Where the simulation ends, ms. Default: when all is done. */
  readonly end?: number;
}

export interface Result {
  /** From the event until its document, ms, in the order of the arrivals; NaN for what was not done in time. */
  readonly latencies: readonly number[];
  /** Between the first event and the last document. */
  readonly perSecond: number;
  readonly fetches: number;
  /** Share of the time that each process worked. */
  readonly load: Readonly<Record<string, number>>;
}

interface Task {
  readonly database: number;
  readonly known: boolean;
  state: 'idle' | 'ready' | 'busy';
  waiting: number[];
}

interface Lane {
  readonly name: string;
  readonly partition: Partition;
  readonly tasks: Map<number, Task>;
  readonly ready: Task[];
  running: number;
  queued: boolean;
  heldUntil: number;
}

interface Partition {
  readonly worker: Worker;
  /** Events on the log that the worker has not taken. */
  readonly log: number[];
  readonly load: { records: number; bytes: number };
  paused: boolean;
}

interface Worker {
  readonly process: string;
  readonly load: { records: number; bytes: number };
  readonly paused: Set<Partition>;
  readonly fresh: Lane[];
  readonly wantMore: Set<Lane>;
  running: number;
}

const callsPerDocument = 2;
const helpers = 'helpers of ';
/** Kafka and MongoDB use more than one core. */
const threads = { broker: 4, mongod: 4 };
/** What an event takes in a worker's memory while it waits: see `sizeOf` in packages/event-log/src/log-record.ts. */
const recordBytes = 3_000;
const bound: Load = { records: defaultLimits.maxRecords, bytes: defaultLimits.maxBytes };
const reserved = Math.floor(defaultLimits.total / 2);
/** When the product's clock would begin: the budget forgets answers "from the future", so never at zero. */
const epoch = 1_000_000_000_000;

/**
 * The way of each event from the webhook to the document: ingresses, the log, workers with their partitions and lanes, Notion's budget, MongoDB. The budget, the bounds of what a
 * worker takes in and the partition of a key are the product's own code; the turns of the lanes are those of its scheduler.
 */
export function simulate(world: World, calibration: Calibration): Result {
  const { arrivals, callMs, end = Number.POSITIVE_INFINITY, cores = calibration.cores } = world;
  const { partitions = defaultTopicSettings.partitions, ingresses = 1, workers = 1 } = world;
  const { cpu, appendMs, writeMs } = calibration;
  const agenda = createAgenda();
  const machine = createMachine(agenda, {
    cores,
    threads,
    sleepsAfterMs: calibration.sleepsAfterMs,
    wakeUpOf: (process) => (process.startsWith(helpers) ? 0 : calibration.wakeUp[process.split(' ', 1)[0] as ProcessKind]),
  });
  const budget = createRateBudget({
    requestsPerMinute: world.callsPerMinute,
    clock: { now: () => epoch + agenda.now, sleep: () => Promise.reject(new Error('nobody waits inside the budget')) },
  });
  const lanes = new Map<number, Lane>();
  const members = Array.from({ length: workers }, (_, n): Worker => ({
    process: `worker ${n}`,
    load: { records: 0, bytes: 0 },
    paused: new Set(),
    fresh: [],
    wantMore: new Set(),
    running: 0,
  }));
  const log = Array.from({ length: partitions }, (_, n): Partition => ({
    worker: itemOf(members, n % workers),
    log: [],
    load: { records: 0, bytes: 0 },
    paused: false,
  }));
  /** The thread for JavaScript goes on when it is done; what the others do beside it only takes its part of the cores. */
  function nodeWorks(process: string, microseconds: number, then: () => void): void {
    machine.work(process, microseconds * mainThreadShare, then);
    machine.work(helpers + process, microseconds * (1 - mainThreadShare), nothing);
  }

  const doneAt = arrivals.map(() => Number.NaN);
  let fetches = 0;

  function laneOf(workspace: number): Lane {
    const known = lanes.get(workspace);
    if (known !== undefined) return known;
    const name = `workspace-${workspace}`;
    const partition = itemOf(log, partitionOfKey(name, partitions));
    const lane: Lane = { name, partition, tasks: new Map(), ready: [], running: 0, queued: false, heldUntil: 0 };
    lanes.set(workspace, lane);
    return lane;
  }

  /** From the log into its lane, as far as the bounds allow. */
  function take(partition: Partition): void {
    const { worker } = partition;
    while (!partition.paused) {
      const index = partition.log.shift();
      if (index === undefined) break;
      count(partition, 1);
      place(index);
      pauseOrGoOn(partition);
    }
    start(worker);
  }

  function settle(partition: Partition, records: number): void {
    count(partition, -records);
    for (const one of partition.worker.paused) {
      pauseOrGoOn(one);
      if (!one.paused) agenda.at(agenda.now, () => take(one));
    }
  }

  function place(index: number): void {
    const { workspace, database, known } = itemOf(arrivals, index);
    const lane = laneOf(workspace);
    const task = lane.tasks.get(database) ?? { database, known, state: 'idle', waiting: [] };
    lane.tasks.set(database, task);
    task.waiting.push(index);
    if (task.state === 'idle') makeReady(lane, task);
  }

  function makeReady(lane: Lane, task: Task): void {
    task.state = 'ready';
    lane.ready.push(task);
    enterRound(lane);
  }

  function enterRound(lane: Lane): void {
    const { worker } = lane.partition;
    if (lane.queued || lane.ready.length === 0 || lane.running >= defaultLimits.perLane || lane.heldUntil > agenda.now) return;
    if (lane.running > 0) {
      worker.wantMore.add(lane);
      return;
    }
    worker.wantMore.delete(lane);
    lane.queued = true;
    worker.fresh.push(lane);
  }

  function start(worker: Worker): void {
    for (let lane = nextLane(worker); lane !== undefined; lane = nextLane(worker)) {
      if (lane.running < defaultLimits.perLane && lane.heldUntil <= agenda.now) startOne(lane);
      enterRound(lane);
    }
  }

  function startOne(lane: Lane): void {
    const [task] = lane.ready;
    if (task === undefined) return;
    const taken = budget.tryTake({ connectionId: lane.name, notionWorkspaceId: lane.name }, callsPerDocument);
    if (!taken.ok) {
      lane.heldUntil = Math.max(agenda.now + 1, taken.waitUntil - epoch);
      agenda.at(lane.heldUntil, () => {
        enterRound(lane);
        start(lane.partition.worker);
      });
      return;
    }
    lane.ready.shift();
    const indices = task.waiting;
    task.waiting = [];
    task.state = 'busy';
    lane.running += 1;
    lane.partition.worker.running += 1;
    handle(lane, task, indices, taken.permits);
  }

  function isDone(lane: Lane, task: Task, records: number): void {
    lane.running -= 1;
    lane.partition.worker.running -= 1;
    if (task.waiting.length > 0) makeReady(lane, task);
    else lane.tasks.delete(task.database);
    settle(lane.partition, records);
    enterRound(lane);
    start(lane.partition.worker);
  }

  /** Reads the record, asks Notion, writes; then, when the document is there, what it tells the log of states. */
  function handle(lane: Lane, task: Task, indices: readonly number[], permits: readonly Permit[]): void {
    const { process } = lane.partition.worker;
    const part = (task.known ? cpu.worker : cpu.newDatabase) / parts.worker;
    const works = (then: () => void) => nodeWorks(process, part, then);
    const mongod = (then: () => void) => machine.work('mongod', cpu.mongod / parts.mongod, then);
    const call = (permit: Permit | undefined, then: () => void) =>
      machine.work('notion', cpu.notion, () =>
        agenda.at(agenda.now + callMs, () => {
          permit?.answered();
          then();
        }),
      );
    const [first, second] = permits;
    const ask = (then: () => void): void => {
      if (!task.known) return call(first, () => call(second, then));
      let left = callsPerDocument;
      for (const permit of [first, second]) {
        call(permit, () => {
          left -= 1;
          if (left === 0) then();
        });
      }
    };
    const isThere = () => {
      for (const index of indices) doneAt[index] = agenda.now;
      works(() => {
        isDone(lane, task, indices.length);
        mongod(() => works(() => machine.work('broker', cpu.broker / parts.broker, () => mongod(nothing))));
      });
    };
    fetches += 1;
    works(() => mongod(() => works(() => ask(() => works(() => mongod(() => agenda.at(agenda.now + writeMs, isThere)))))));
  }

  for (const [index, arrival] of arrivals.entries()) {
    const ingress = `ingress ${index % ingresses}`;
    const part = cpu.ingress / parts.ingress;
    const broker = (then: () => void) => machine.work('broker', cpu.broker / parts.broker, then);
    const isOnLog = () => {
      const { partition } = laneOf(arrival.workspace);
      broker(() => {
        partition.log.push(index);
        take(partition);
      });
    };
    if (world.onLog === true) agenda.at(arrival.at, isOnLog);
    else
      agenda.at(arrival.at, () =>
        machine.work('load', cpu.load, () =>
          nodeWorks(ingress, part, () =>
            broker(() =>
              agenda.at(agenda.now + appendMs, () => {
                nodeWorks(ingress, part, nothing);
                isOnLog();
              }),
            ),
          ),
        ),
      );
  }
  agenda.run(end);
  const latencies = arrivals.map(({ at }, index) => (doneAt[index] ?? Number.NaN) - at);
  const done = doneAt.filter(Number.isFinite);
  const last = done.reduce((latest, at) => Math.max(latest, at), 0);
  const first = arrivals[0]?.at ?? 0;
  const load = Object.fromEntries([...machine.busy].map(([process, microseconds]) => [process, microseconds / 1_000 / (agenda.now || 1)]));
  return { latencies, perSecond: done.length / ((last - first) / 1_000), fetches, load };
}

function nextLane(worker: Worker): Lane | undefined {
  if (worker.running >= defaultLimits.total) return undefined;
  const first = worker.fresh.shift();
  if (first !== undefined) {
    first.queued = false;
    return first;
  }
  if (worker.running >= defaultLimits.total - reserved) return undefined;
  const [lane] = worker.wantMore;
  if (lane !== undefined) worker.wantMore.delete(lane);
  return lane;
}

function count({ load, worker }: Partition, records: number): void {
  for (const one of [load, worker.load]) {
    one.records += records;
    one.bytes += records * recordBytes;
  }
}

function pauseOrGoOn(partition: Partition): void {
  partition.paused = shouldPause(partition.load, partition.worker.load, bound, partition.paused);
  if (partition.paused) partition.worker.paused.add(partition);
  else partition.worker.paused.delete(partition);
}

function nothing(): void {}

function itemOf<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index} of ${items.length}`);
  return item;
}

/** Of the latencies that are there, ms. */
export function latencyOf(latencies: readonly number[], percent: number): number {
  return percentile(latencies.filter(Number.isFinite), percent);
}
