import { readFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { kafkaSettings } from '@notion-mirror/local-stack/kafka-settings';
import { freePort } from '@notion-mirror/local-stack/ports';
import { kafkaIsReady } from '@notion-mirror/local-stack/ready-checks';
import { waitUntil } from '@notion-mirror/local-stack/wait-until';
import { clientPrincipal, type Certificates } from './certificates.ts';
import type { RunningServer, ServerRuntime } from '@notion-mirror/local-stack/server-runtime';

export interface KafkaUser {
  readonly name: string;
  readonly password: string;
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
}

/** A broker with TLS, SASL and ACLs. Anonymous clients and our client certificate may do everything; a named user is limited by its ACLs. */
export interface SecuredKafka {
  /** Without security, for the test itself. */
  readonly inside: string;
  readonly tls: string;
  /** TLS with a client certificate. */
  readonly mutualTls: string;
  /** TLS with SASL: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly sasl: string;
  stop(): Promise<void>;
}

const clusterId = '5L6g3nShT-eMCtK--X86sw';

export async function startSecuredKafka(options: {
  readonly runtime: ServerRuntime;
  readonly folder: string;
  readonly certificates: Certificates;
  readonly users: readonly KafkaUser[];
}): Promise<SecuredKafka> {
  const { runtime, folder, certificates, users } = options;
  const { host, bind } = runtime;
  await mkdir(folder, { recursive: true });
  const [inside, tls, mutual, sasl, controller] = await Promise.all([freePort(), freePort(), freePort(), freePort(), freePort()]);
  const listener = (port: number) => ({ bind: `${bind}:${port}`, advertise: `${host}:${port}` });
  const settings = {
    ...kafkaSettings({
      logDir: join(folder, 'data'),
      listeners: { INSIDE: listener(inside), TLS: listener(tls), MUTUAL: listener(mutual), SASL: listener(sasl) },
      controller: `127.0.0.1:${controller}`,
    }),
    'listener.security.protocol.map': 'INSIDE:PLAINTEXT,TLS:SSL,MUTUAL:SSL,SASL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(folder, 'server.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(folder, 'authority.crt'),
    'listener.name.mutual.ssl.client.auth': 'required',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl.plain.sasl.jaas.config': plainUsers(users),
    'listener.name.sasl.scram-sha-256.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'listener.name.sasl.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:ANONYMOUS;${clientPrincipal}`,
  };
  await writeFile(join(folder, 'server.pem'), await readFile(certificates.server.both));
  await writeFile(join(folder, 'authority.crt'), await readFile(certificates.authority));
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(join(folder, 'server.properties'), lines.join(''));
  const kafka = runtime.kafka.join(' ');
  const script = [
    `${kafka} kafka.tools.StorageTool format -t ${clusterId} -c server.properties ${users.flatMap(scramUser).join(' ')}`,
    `exec ${kafka} kafka.Kafka server.properties`,
  ].join('\n');
  const server = await runtime.start({ name: 'kafka', script, folder, ports: [inside, tls, mutual, sasl] });
  const addresses = { inside: `${host}:${inside}`, tls: `${host}:${tls}`, mutualTls: `${host}:${mutual}`, sasl: `${host}:${sasl}` };
  await untilReady('the secured Kafka', server, () => kafkaIsReady(addresses.inside));
  return { ...addresses, stop: () => server.kill() };
}

function plainUsers(users: readonly KafkaUser[]): string {
  const plain = users.filter(({ mechanism }) => mechanism === 'plain').map(({ name, password }) => `user_${name}="${password}"`);
  return `org.apache.kafka.common.security.plain.PlainLoginModule required ${plain.join(' ')};`;
}

function scramUser({ name, password, mechanism }: KafkaUser): string[] {
  return mechanism === 'plain' ? [] : ['--add-scram', `'${mechanism.toUpperCase()}=[name=${name},password=${password}]'`];
}

/** Waits for a server. If it ends or does not become ready, kills it and throws with the end of its log. */
export async function untilReady(name: string, server: RunningServer, check: () => Promise<boolean>): Promise<void> {
  let hasEnded = false;
  void server.exited.then(() => (hasEnded = true));
  try {
    await waitUntil(name, check, { timeoutMs: 90_000, failure: () => (hasEnded ? new Error(`${name} ended instead of starting`) : null) });
  } catch (error) {
    await server.kill();
    const log = await readFile(server.logFile, 'utf8').catch(() => '');
    throw new Error(`${name} did not start:\n${log.split('\n').slice(-15).join('\n')}`, { cause: error });
  }
}
