import { Kafka, logLevel } from 'kafkajs';
import { MongoClient, MongoServerError, type Document } from 'mongodb';
import { acceptsConnections } from './ports.ts';

/** Whether the cluster answers a metadata request with a controller and an active broker. */
export async function kafkaIsReady(brokers: string): Promise<boolean> {
  const [host = '', port] = brokers.split(':');
  if (!(await acceptsConnections(host, Number(port)))) return false;
  const kafka = new Kafka({
    brokers: [brokers],
    retry: { retries: 0 },
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    logLevel: logLevel.NOTHING,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    return cluster.controller !== null && cluster.brokers.length > 0;
  } finally {
    await admin.disconnect();
  }
}

/**
 * Whether the registry has read its whole journal from Kafka. Before that it already answers requests, with 404 for schemas in the journal.
 * Apicurio reports this on a separate path, outside the Confluent-compatible API.
 */
export async function registryIsReady(schemaRegistryUrl: string): Promise<boolean> {
  const response = await fetch(new URL('/health/ready', schemaRegistryUrl), { signal: AbortSignal.timeout(5_000) });
  await response.body?.cancel();
  return response.ok;
}

export const replicaSetName = 'rs0';

/**
 * Whether the mongod at `host:port` is the primary of its one-node replica set. Configures it if needed: initiates the set on a new one,
 * and updates the address on one whose kept data names another port.
 */
export async function replicaSetIsReady(host: string, port: number): Promise<boolean> {
  if (!(await acceptsConnections(host, port))) return false;
  const client = new MongoClient(`mongodb://${host}:${port}/?directConnection=true`, { serverSelectionTimeoutMS: 3_000 });
  try {
    const admin = client.db('admin');
    const state = await admin.command({ hello: 1 });
    if (state['isWritablePrimary'] === true) return true;
    if (state['setName'] === undefined) await configureReplicaSet((command) => admin.command(command), `${host}:${port}`);
    return false;
  } finally {
    await client.close();
  }
}

const alreadyInitialized = 23;

async function configureReplicaSet(run: (command: Document) => Promise<Document>, address: string): Promise<void> {
  const members = [{ _id: 0, host: address }];
  try {
    await run({ replSetInitiate: { _id: replicaSetName, members } });
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === alreadyInitialized)) throw error;
    const { config } = await run({ replSetGetConfig: 1 });
    await run({ replSetReconfig: { ...config, version: config.version + 1, members }, force: true });
  }
}
