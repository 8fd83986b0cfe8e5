import { setTimeout as delay } from 'node:timers/promises';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import kafkajs, { Kafka } from 'kafkajs';
import pc from 'picocolors';
import { lifeOf } from './customers.ts';
import type { Difference } from './equality.ts';
import { createNarrator, type Narrator, type SeenRecord } from './narrator.ts';
import { startSystem, type System } from './system.ts';

export interface EmulatedOptions {
  /** End after the life of the customers; otherwise stay until `signal` aborts. */
  readonly once: boolean;
  /** The last line is the result as JSON. */
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** How long the mirror may need to catch up with what was done. */
const patienceMs = 60_000;
/** Between two actions, so that a person can read along. */
const paceMs = 700;

/** Three customers of an emulated Notion and their mirror. Resolves to the exit code. */
export async function runEmulated(stack: StackAddresses, { once, json, signal }: EmulatedOptions): Promise<number> {
  const narrator = createNarrator((line) => console.log(line));
  narrator.say('Starting the emulators of Notion and Nango, and the three services');
  const system = await startSystem(stack, {
    name: `demo_${Date.now().toString(36)}`,
    emulators: { notion: { delivery: { delayMs: [20, 200] } } },
    env: { MIRROR_LOG_LEVEL: 'debug' },
    onLine: (line) => narrator.log(line),
  });
  try {
    await Promise.all((['ingress', 'sync-worker', 'delete-worker'] as const).map((name) => system.start(name)));
    await using _documents = await followRecords(system, narrator);

    narrator.say('Three customers connect their Notion');
    const acme = await system.connect('acme', 'Acme');
    const globex = await system.connect('globex', 'Globex');
    const initech = await system.connect('initech', 'Initech');

    narrator.say('They work in Notion, and the mirror follows');
    for await (const { customer, says, act } of lifeOf(acme, globex, initech)) {
      signal.throwIfAborted();
      narrator.action(customer.workspaceId, says);
      await act();
      await caughtUp(system, signal);
      if (!once) await delay(paceMs, undefined, { signal });
    }

    const code = await verdict(stack, system, narrator, json);
    if (once) return code;
    narrator.say('It goes on until Ctrl-C');
    console.log(`  MongoDB   ${system.env['MIRROR_MONGODB_URI']}   (view: databases)`);
    console.log(`  Kafka     ${stack.kafkaBrokers}   topic ${system.env['MIRROR_TOPIC_PREFIX']}notion.database-events`);
    console.log(`  Notion    ${system.notion.url}   (dev/emulators/README.md tells how to change things)`);
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return code;
  } finally {
    await system.stop();
  }
}

/** Waits until no webhook is under way and the mirror equals Notion, or patience ends: the verdict says which. */
async function caughtUp(system: System, signal: AbortSignal): Promise<void> {
  await system.pair.settle();
  const deadline = Date.now() + patienceMs;
  while ((await system.differences()).length > 0 && Date.now() < deadline) await delay(50, undefined, { signal });
}

async function verdict(stack: StackAddresses, system: System, narrator: Narrator, json: boolean): Promise<number> {
  const found = await system.differences();
  const mirrored = await system.db.collection('databases').countDocuments();
  const inNotion = system.notionDatabases();
  const deadLetters = await countDeadLetters(stack, system);
  const equal = found.length === 0;
  narrator.say('The verdict');
  console.log(`  The mirror holds ${mirrored} databases, Notion ${inNotion}.`);
  console.log(equal ? pc.green('  They are equal, field by field.') : pc.red(`  They differ in ${found.length} places:`));
  for (const difference of found.slice(0, 20)) console.log(describe(difference));
  console.log(deadLetters === 0 ? pc.green('  No dead letters.') : pc.red(`  ${deadLetters} dead letters.`));
  if (json) console.log(JSON.stringify({ mirrored, inNotion, equal, differences: found, deadLetters }));
  return equal && deadLetters === 0 ? 0 : 1;
}

function describe({ databaseId, field, mirror, notion }: Difference): string {
  return `    ${databaseId} ${field}\n      mirror ${pc.red(JSON.stringify(mirror))}\n      Notion ${pc.green(JSON.stringify(notion))}`;
}

async function countDeadLetters(stack: StackAddresses, system: System): Promise<number> {
  const kafka = new Kafka({ brokers: stack.kafkaBrokers.split(','), logLevel: kafkajs.logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const offsets = await admin.fetchTopicOffsets(`${system.env['MIRROR_TOPIC_PREFIX']}notion.database-events.dead-letters`);
    return offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
  } finally {
    await admin.disconnect();
  }
}

/** Tells of each document as it is written, from MongoDB's own change stream. */
async function followRecords(system: System, narrator: Narrator): Promise<AsyncDisposable> {
  const stream = system.db.collection('database_records').watch<SeenRecord & { _id: string }>([], { fullDocument: 'updateLookup' });
  stream.on('change', (change) => {
    if ('fullDocument' in change && change.fullDocument) narrator.record(change.fullDocument);
  });
  // The system is stopped before the stream: its client closing is no news.
  stream.on('error', () => {});
  return { [Symbol.asyncDispose]: () => stream.close() };
}
