import { percentile } from '../statistics.ts';
import { createAgenda } from './agenda.ts';
import { calibration, defaults } from './calibration.ts';
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
  readonly workers?: number;
  readonly slots?: number;
  readonly perLane?: number;
  readonly callsPerMinute?: number;
  readonly cores?: number;
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
  waiting: number[];
}

interface Lane {
  readonly workspace: number;
  readonly worker: number;
  readonly tasks: Map<number, Task>;
  readonly ready: Task[];
  readonly busy: Set<number>;
  /** Calls made in the current window, and when it ends. */
  window: { calls: number; ends: number };
  queued: boolean;
  held: boolean;
}

const windowMs = 60_000;
const callsPerDocument = 2;
/** Kafka and MongoDB use more than one core. */
const threads = { broker: 4, mongod: 4 };

/** The way of each event from the webhook to the document: one ingress, the log, workers with their partitions and lanes, Notion's budget, MongoDB. */
export function simulate(world: World): Result {
  const { arrivals, callMs, end = Number.POSITIVE_INFINITY, cores = calibration.cores } = world;
  const { partitions, workers, slots, perLane, callsPerMinute } = { ...defaults, ...world };
  const { cpu, appendMs, writeMs } = calibration;
  const agenda = createAgenda();
  const machine = createMachine(agenda, { ...calibration, cores, threads });
  const lanes = new Map<number, Lane>();
  const turns = Array.from({ length: workers }, (): Lane[] => []);
  const running = Array.from({ length: workers }, () => 0);
  const doneAt = arrivals.map(() => Number.NaN);
  let fetches = 0;

  function laneOf(workspace: number): Lane {
    const known = lanes.get(workspace);
    if (known !== undefined) return known;
    const worker = Math.floor((mixed(workspace) % partitions) / (partitions / workers));
    const lane: Lane = {
      workspace,
      worker: Math.min(worker, workers - 1),
      tasks: new Map(),
      ready: [],
      busy: new Set(),
      window: { calls: 0, ends: 0 },
      queued: false,
      held: false,
    };
    lanes.set(workspace, lane);
    return lane;
  }

  function take(index: number, { workspace, database, known }: Arrival): void {
    const lane = laneOf(workspace);
    const task = lane.tasks.get(database) ?? { database, known, waiting: [] };
    if (task.waiting.length === 0) {
      lane.tasks.set(database, task);
      lane.ready.push(task);
    }
    task.waiting.push(index);
    wants(lane);
  }

  function wants(lane: Lane): void {
    if (!lane.queued && !lane.held && lane.ready.length > 0 && lane.busy.size < perLane) {
      lane.queued = true;
      turns[lane.worker]?.push(lane);
    }
    start(lane.worker);
  }

  function start(worker: number): void {
    const turn = turns[worker] ?? [];
    while ((running[worker] ?? 0) < slots) {
      const lane = turn.shift();
      if (lane === undefined) return;
      lane.queued = false;
      const index = lane.ready.findIndex(({ database }) => !lane.busy.has(database));
      if (index < 0) continue;
      if (agenda.now >= lane.window.ends) lane.window = { calls: 0, ends: agenda.now + windowMs };
      if (lane.window.calls + callsPerDocument > callsPerMinute) {
        lane.held = true;
        agenda.at(lane.window.ends, () => {
          lane.held = false;
          wants(lane);
        });
        continue;
      }
      lane.window.calls += callsPerDocument;
      const [task] = lane.ready.splice(index, 1);
      if (task === undefined) continue;
      lane.tasks.delete(task.database);
      lane.busy.add(task.database);
      running[worker] = (running[worker] ?? 0) + 1;
      handle(lane, task);
      wants(lane);
    }
  }

  /** Read the record, ask Notion, write: the worker's work for a document in three parts, as often as it waits. */
  function handle(lane: Lane, task: Task): void {
    const process = `worker ${lane.worker}`;
    const third = cpu.worker / 3;
    const call = (then: () => void) => machine.work('notion', cpu.notion, () => agenda.at(agenda.now + callMs, then));
    const write = () =>
      machine.work(process, third, () =>
        machine.work('mongod', cpu.mongod, () =>
          agenda.at(agenda.now + writeMs, () => {
            for (const index of task.waiting) doneAt[index] = agenda.now;
            machine.work(process, third, () => {
              lane.busy.delete(task.database);
              running[lane.worker] = (running[lane.worker] ?? 0) - 1;
              wants(lane);
            });
          }),
        ),
      );
    fetches += 1;
    machine.work(process, third, () => {
      if (!task.known) return call(() => call(write));
      let left = callsPerDocument;
      for (let n = 0; n < callsPerDocument; n += 1) {
        call(() => {
          left -= 1;
          if (left === 0) write();
        });
      }
    });
  }

  for (const [index, arrival] of arrivals.entries()) {
    agenda.at(arrival.at, () =>
      machine.work('load', cpu.load, () =>
        machine.work('ingress', cpu.ingress, () =>
          machine.work('broker', cpu.broker, () => agenda.at(agenda.now + appendMs, () => take(index, arrival))),
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

/** Spreads numbers as a hash does. */
function mixed(value: number): number {
  let hash = (value + 0x9e3779b9) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Of the latencies that are there, ms. */
export function latencyOf(latencies: readonly number[], percent: number): number {
  return percentile(latencies.filter(Number.isFinite), percent);
}
