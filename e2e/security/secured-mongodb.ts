import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient, MongoServerError } from 'mongodb';
import { acceptsConnections, freePort } from '@notion-mirror/local-stack/ports';
import { replicaSetName } from '@notion-mirror/local-stack/ready-checks';
import type { Certificates } from './certificates.ts';
import { untilReady } from './secured-kafka.ts';
import type { ServerRuntime } from '@notion-mirror/local-stack/server-runtime';

/** A replica set of one that requires TLS and authentication. */
export interface SecuredMongodb {
  /** `host:port`. */
  readonly address: string;
  /** May do everything. */
  readonly admin: MongoClient;
  stop(): Promise<void>;
}

export async function startSecuredMongodb(options: {
  readonly runtime: ServerRuntime;
  readonly folder: string;
  readonly certificates: Certificates;
}): Promise<SecuredMongodb> {
  const { runtime, folder, certificates } = options;
  await mkdir(join(folder, 'data'), { recursive: true });
  await writeFile(join(folder, 'server.pem'), await readFile(certificates.server.both));
  await writeFile(join(folder, 'authority.crt'), await readFile(certificates.authority));
  await writeFile(join(folder, 'members.key'), randomBytes(64).toString('base64'));
  const port = await freePort();
  const address = `${runtime.host}:${port}`;
  const tls = ['--tlsMode requireTLS', '--tlsCertificateKeyFile server.pem', '--tlsCAFile authority.crt'];
  const script = [
    'chmod 600 members.key server.pem',
    [
      `exec ${runtime.mongod} --replSet ${replicaSetName} --port ${port} --bind_ip ${runtime.bind} --dbpath data --nounixsocket --quiet`,
      ...tls,
      '--tlsAllowConnectionsWithoutCertificates --keyFile members.key',
      // The replica set's own certificate allows creating the first user, even where this machine is not its localhost.
      '--clusterAuthMode sendKeyFile --wiredTigerCacheSizeGB 0.25 --setParameter diagnosticDataCollectionEnabled=false',
    ].join(' '),
  ].join('\n');
  const server = await runtime.start({ name: 'mongodb', script, folder, ports: [port] });
  const member = new MongoClient(`mongodb://${address}/?directConnection=true&authMechanism=MONGODB-X509&authSource=$external`, {
    tls: true,
    tlsCAFile: certificates.authority,
    tlsCertificateKeyFile: certificates.server.both,
    serverSelectionTimeoutMS: 3_000,
  });
  await untilReady('the secured MongoDB', server, async () => {
    if (!(await acceptsConnections(runtime.host, port))) return false;
    const admin = member.db('admin');
    if ((await admin.command({ hello: 1 }))['isWritablePrimary'] === true) return true;
    await admin.command({ replSetInitiate: { _id: replicaSetName, members: [{ _id: 0, host: address }] } }).catch((error: unknown) => {
      if (!(error instanceof MongoServerError && error.code === 23)) throw error;
    });
    return false;
  });
  return {
    address,
    admin: member,
    async stop() {
      await member.close();
      await server.kill();
    },
  };
}
