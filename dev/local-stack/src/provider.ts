import type { OnProgress } from './progress.ts';

export type Provider = 'docker' | 'process';

/** Where the three servers are; everything a client of the stack needs. */
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
  /** One log file per server. Removed with the rest at `stop` when the data was temporary. */
  readonly logsDir: string;
  /** The servers that are processes of this machine, by name; empty for containers. */
  readonly pids: Readonly<Record<string, number>>;
  /** Ends the servers; removes temporary data. Safe to call again. */
  stop(): Promise<void>;
};

/** What a provider gets to start a stack. */
export type ProviderOptions = {
  /** Exists already. */
  dataDir: string;
  /** Kept data is stopped gently and stays; else `dataDir` is removed at the end. */
  keepData: boolean;
  onProgress: OnProgress;
  /** Called when a server ends without being asked to. */
  onServerExit: (server: string, detail: string) => void;
  signal?: AbortSignal | undefined;
};
