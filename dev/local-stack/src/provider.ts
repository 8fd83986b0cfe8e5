import type { OnProgress } from './progress.ts';

export type Provider = 'docker' | 'process';

/** The addresses of the three servers: everything a client of the stack needs. */
export type StackAddresses = {
  /** `host:port` */
  kafkaBrokers: string;
  /** The Confluent-compatible base, `http://…/apis/ccompat/v7`. */
  schemaRegistryUrl: string;
  /** Without a database name: `mongodb://host:port/?replicaSet=rs0`. */
  mongodbUri: string;
};

export type Stack = Readonly<StackAddresses> & {
  readonly provider: Provider;
  /** One log file per server. Removed at `stop` when the data is temporary. */
  readonly logsDir: string;
  /** The pids of local server processes, by name; empty for containers. */
  readonly pids: Readonly<Record<string, number>>;
  /** Ends the servers; removes temporary data. Safe to call again. */
  stop(): Promise<void>;
};

/** A provider's options for starting a stack. */
export type ProviderOptions = {
  /** Must exist. */
  dataDir: string;
  /** True: servers stop cleanly and the data stays. False: `dataDir` is removed at the end. */
  keepData: boolean;
  onProgress: OnProgress;
  /** Called when a server ends unexpectedly. */
  onServerExit: (server: string, detail: string) => void;
  signal?: AbortSignal | undefined;
  /** An address of this machine, where local processes listen and say that they are. Default: 127.0.0.1. */
  host?: string | undefined;
};
