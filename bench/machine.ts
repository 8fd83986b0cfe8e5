import { cpus, release, totalmem, type } from 'node:os';

/** What figures depend on. No host name: it means nothing to a reader. */
export interface Machine {
  /** As given with `--machine`. */
  readonly name?: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGigabytes: number;
  readonly system: string;
  readonly node: string;
}

export function thisMachine(name?: string): Machine {
  return {
    ...(name !== undefined && { name }),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGigabytes: Math.round(totalmem() / 1e9),
    system: `${type()} ${release()}`,
    node: process.version,
  };
}

export function machineText({ name, cpu, cores, memoryGigabytes, system, node }: Machine): string {
  return [...(name === undefined ? [] : [name]), cpu, `${cores} cores`, `${memoryGigabytes} GB`, system, `Node ${node}`].join(', ');
}
