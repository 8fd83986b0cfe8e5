import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, configProblems, loadConfig } from '@notion-mirror/service-kit/config';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import { startWatchdog } from '@notion-mirror/local-stack/watchdog';
import pc from 'picocolors';
import { startConsole } from './console.ts';
import { createNarrator } from './narrator.ts';
import { mirrorVariables, runMirror, startService, type LogLine, type ServiceProcess } from './service-process.ts';

/**
 * The services on local servers, with the real Nango and Notion. What is set in the environment (keys, URLs, ports) is used; only the
 * servers are ours. Stays until `signal` aborts. Resolves to the exit code.
 */
export async function runReal(stack: StackAddresses, dataDir: string, signal: AbortSignal): Promise<number> {
  const narrator = createNarrator((line) => console.log(line));
  const mongodbUri = new URL(stack.mongodbUri);
  mongodbUri.pathname = '/notion_mirror';
  const env: Record<string, string> = {
    ...mirrorVariables(process.env),
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: mongodbUri.href,
  };
  // Says what is wrong before anything is started.
  const problems = configProblems(env);
  if (problems.length > 0) throw new ConfigError(problems);
  const config = loadConfig(env, 'ingress');
  if (config.encryptionKey === null) env['MIRROR_ENCRYPTION_KEY_FILE'] = await encryptionKeyFile(dataDir);

  narrator.say('Preparing topics, schemas and collections');
  await runMirror(['init'], env);
  narrator.say('Starting the services');
  const watchdog = await startWatchdog();
  const services: ServiceProcess[] = [];
  try {
    const onLine = (line: LogLine) => narrator.log(line);
    const names = ['ingress', 'sync-worker', 'delete-worker'] as const;
    await Promise.all(names.map(async (name) => services.push(await startService(name, env, { watchdog, onLine }))));
    const ofConsole = { MIRROR_CONSOLE_INGRESS_URL: `http://127.0.0.1:${config.http.port}`, ...env };
    const operator = await startConsole((own) => startService('console', { ...ofConsole, ...own }, { watchdog, onLine }), signal);
    services.push(operator.service);
    console.log(`\n  The console: ${pc.bold(operator.url)}`);
    console.log(`\n  Nango's webhook URL must lead to ${pc.bold(`http://<this machine>:${config.http.port}/webhooks/nango`)}`);
    console.log('  In a second terminal, first:\n');
    for (const name of ['MIRROR_KAFKA_BROKERS', 'MIRROR_SCHEMA_REGISTRY_URL', 'MIRROR_MONGODB_URI', 'MIRROR_ENCRYPTION_KEY_FILE']) {
      if (env[name] !== undefined) console.log(`    export ${name}='${env[name]}'`);
    }
    console.log("    export MIRROR_NANGO_API_KEY='…'");
    console.log('\n  then: npm run mirror -- connections add <connection id> --provider-config-key notion --workspace-id <your tenant>\n');
    const died = Promise.race(services.map(async (service) => ({ ...(await service.exited), name: service.name })));
    const stopped = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null), { once: true }));
    const dead = await Promise.race([died, stopped]);
    if (dead === null) return 0;
    console.error(pc.red(`${dead.name} ended by itself (${dead.signal ?? `exit code ${dead.code}`})`));
    return 1;
  } finally {
    await Promise.all(services.map((service) => service.stop()));
    await watchdog.close();
  }
}

/** What was stored with a key must be readable the next time, so it stays with the data. */
async function encryptionKeyFile(dataDir: string): Promise<string> {
  const file = join(dataDir, 'encryption-key');
  await writeFile(file, randomBytes(32).toString('base64'), { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  return file;
}
