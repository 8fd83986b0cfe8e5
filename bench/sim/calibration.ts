import { figureOf, type StoredResult } from '../results.ts';
import { nameOfWorkers } from '../scenarios/workers.ts';

export type ProcessKind = 'load' | 'ingress' | 'broker' | 'worker' | 'mongod' | 'notion';

/** In how many parts a process works on an event, with something to wait for between them. */
export const parts = { load: 1, ingress: 2, broker: 3, worker: 5, mongod: 4 } as const;

/** What the simulation knows of the product's processes and of the machine that they run on. */
export interface Calibration {
  readonly cores: number;
  /** µs of CPU an event when there is no end of them. `worker`: of a database that the mirror has; `notion`: the emulator, for each call. */
  readonly cpu: {
    readonly load: number;
    readonly ingress: number;
    readonly broker: number;
    readonly worker: number;
    readonly newDatabase: number;
    readonly mongod: number;
    readonly notion: number;
  };
  /** µs more for a process that was asleep, each time: the kernel wakes it, its caches are cold, nothing is in a batch. */
  readonly wakeUp: Readonly<Record<ProcessKind, number>>;
  /** How long a process has nothing to do before it is asleep, ms. */
  readonly sleepsAfterMs: number;
  /** ms between an append and its acknowledgement, or a write and its majority, beside the work of the processes. */
  readonly appendMs: number;
  readonly writeMs: number;
}

/** Of a Node process's CPU, what its one thread for JavaScript takes: 73 % under load, 82 % at 50 events a second (/proc/PID/task); the rest collects garbage, compiles and unzips beside it. */
export const mainThreadShare = 0.75;

/** Nobody measured these: they are what such a thing takes on a machine by itself, in round numbers, and were left alone when the rest was measured. */
const assumed = { notionCpu: 100, sleepsAfterMs: 1, appendMs: 2, writeMs: 2 } as const;

/**
 * From what `npm run bench` measured: no figure is chosen so that a latency or a rate comes out right. CPU is of a burst. What a process takes for an event at 50 a second
 * more than in the burst is what its wake-ups cost. Throws when a scenario is missing.
 */
export function calibrationFrom(results: readonly StoredResult[]): Calibration {
  const figure = figuresOf(results);
  const cpuOf = (scenario: string) => {
    const cpu = (of: string) => figure(scenario, 'notion-mirror', `CPU of ${of}`);
    return {
      load: cpu('the load'),
      ingress: cpu('the ingress'),
      broker: cpu('Kafka or PostgreSQL'),
      worker: cpu('the worker'),
      mongod: cpu('MongoDB'),
    };
  };
  const [burst, light] = [cpuOf('burst-5000'), cpuOf('event-to-document')];
  const wakeUpOf = (process: keyof typeof burst) => Math.max(0, light[process] - burst[process]) / parts[process];
  return {
    cores: results.find(({ name }) => name === 'burst-5000')?.machine.cores ?? Number.NaN,
    cpu: { ...burst, newDatabase: figure('workers', nameOfWorkers(1, 200), 'CPU'), notion: assumed.notionCpu },
    wakeUp: {
      load: wakeUpOf('load'),
      ingress: wakeUpOf('ingress'),
      broker: wakeUpOf('broker'),
      worker: wakeUpOf('worker'),
      mongod: wakeUpOf('mongod'),
      // Nobody measured the emulator; it is woken for a request, as the ingress is.
      notion: wakeUpOf('ingress'),
    },
    sleepsAfterMs: assumed.sleepsAfterMs,
    appendMs: assumed.appendMs,
    writeMs: assumed.writeMs,
  };
}

/** `worker-writes`: a worker that has 10,000 documents to write takes less CPU for each than one that has 4,000, most of which go by while Node still compiles. */
export function calibrationOfWrites(results: readonly StoredResult[], calibration: Calibration): Calibration {
  return { ...calibration, cpu: { ...calibration.cpu, newDatabase: figuresOf(results)('worker-writes', 'sync-worker', 'CPU') } };
}

/** Medians. Throws when one was not measured. */
function figuresOf(results: readonly StoredResult[]) {
  return (scenario: string, contender: string, name: string): number => {
    const result = results.find((one) => one.name === scenario);
    const median = figureOf(result, contender, name)?.median;
    if (median === undefined || !Number.isFinite(median)) throw new Error(`${scenario} has not measured "${name}" of ${contender}`);
    return median;
  };
}
