import { MongoClient, MongoParseError, MongoServerError, type Db } from 'mongodb';
import { StoreMisconfiguredError, unavailable } from './errors.ts';

export interface Mongo {
  readonly client: MongoClient;
  readonly db: Db;
  close(): Promise<void>;
}

/** MongoDB 5.0: the first that accepts field names with `$` and dots, which may come from user text. */
const minWireVersion = 13;

/**
 * Connects to the replica set of `uri`; its path names the database (default `notion_mirror`). Rejects within seconds with a
 * `StoreUnavailableError`, or with a `StoreMisconfiguredError` that says what to fix. All timeouts are short: callers have better places
 * to wait (a lane, a backoff) than the driver.
 */
export async function openMongo(uri: string, options: { readonly appName: string }): Promise<Mongo> {
  const client = createClient(uri, options.appName);
  try {
    await client.connect();
    const hello = await client.db('admin').command({ hello: 1 });
    if (typeof hello['setName'] !== 'string' && hello['msg'] !== 'isdbgrid') {
      throw new StoreMisconfiguredError(
        'MongoDB is not a replica set, and change streams need one: start it with --replSet and run rs.initiate(); a single node will do',
      );
    }
    if (Number(hello['maxWireVersion']) < minWireVersion) throw new StoreMisconfiguredError('MongoDB 5.0 or newer is needed');
  } catch (error) {
    await client.close();
    if (error instanceof StoreMisconfiguredError) throw error;
    if (error instanceof MongoServerError && (error.code === 18 || error.code === 13)) {
      throw new StoreMisconfiguredError(`MongoDB refuses the credentials of the URI: ${error.message}`, { cause: error });
    }
    throw unavailable('MongoDB cannot be reached', error);
  }
  return { client, db: client.db(databaseOf(uri)), close: () => client.close() };
}

function createClient(uri: string, appName: string): MongoClient {
  try {
    return new MongoClient(uri, {
      appName,
      writeConcern: { w: 'majority', wtimeoutMS: 10_000 },
      // After a read that is rolled back, another record could get the same rev.
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      retryWrites: true,
      retryReads: true,
      serverSelectionTimeoutMS: 3000,
      connectTimeoutMS: 3000,
      socketTimeoutMS: 30_000,
      heartbeatFrequencyMS: 5000,
      waitQueueTimeoutMS: 5000,
      maxPoolSize: 50,
      ignoreUndefined: false,
    });
  } catch (error) {
    if (!(error instanceof MongoParseError)) throw error;
    throw new StoreMisconfiguredError(`the MongoDB URI is not valid: ${error.message}`, { cause: error });
  }
}

function databaseOf(uri: string): string {
  const path = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^?]+)/.exec(uri)?.[1];
  return path === undefined ? 'notion_mirror' : decodeURIComponent(path);
}
