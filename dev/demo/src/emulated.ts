import { setTimeout as delay } from 'node:timers/promises';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import kafkajs, { Kafka } from 'kafkajs';
import type { Document } from 'mongodb';
import pc from 'picocolors';
import { startConsole } from './console.ts';
import { lifeOf, type Customer } from './customers.ts';
import type { Difference } from './equality.ts';
import { createNarrator, type Narrator, type SeenRecord, type SeenRow } from './narrator.ts';
import { announceDemo } from './running-demo.ts';
import { startSystem, type System } from './system.ts';

export interface EmulatedOptions {
  /** End after the life of the customers; otherwise stay until `signal` aborts. */
  readonly once: boolean;
  /** The last line is the result as JSON. */
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** How long the mirror may take to catch up. */
const patienceMs = 60_000;
/** Between two actions, so that the output can be read. */
const paceMs = 700;

/** Three customers of an emulated Notion and their mirror. Resolves to the exit code. */
export async function runEmulated(stack: StackAddresses, { once, json, signal }: EmulatedOptions): Promise<number> {
  const narrator = createNarrator((line) => console.log(line));
  narrator.say(`Starting the emulators of Notion and Nango, and the ${once ? 'three services' : 'services'}`);
  const system = await startSystem(stack, {
    name: `demo_${Date.now().toString(36)}`,
    emulators: { notion: { delivery: { delayMs: [20, 200] } } },
    // There is one clock: scans need not wait for others.
    env: { MIRROR_LOG_LEVEL: 'debug', MIRROR_CLOCK_TOLERANCE_SECONDS: '1' },
    onLine: (line) => narrator.log(line),
  });
  let found: Verdict;
  try {
    await Promise.all((['ingress', 'sync-worker', 'delete-worker'] as const).map((name) => system.start(name)));
    using _announcement = await announceDemo(system.env);
    // In time for the first customer. `--once` ends before anyone could look.
    if (!once) await showConsole(system, narrator, signal);
    await using _documents = followRecords(system, 'database_records', (document) => narrator.record(document as SeenRecord));
    await using _rows = followRecords(system, 'row_records', (document) => narrator.row(document as SeenRow));

    narrator.say('Three customers connect their Notion');
    const acme = await system.connect('acme', 'Acme');
    const globex = await system.connect('globex', 'Globex');
    const initech = await system.connect('initech', 'Initech');

    narrator.say('They work in Notion, and the mirror follows');
    for (const { customer, says, about, act } of lifeOf(acme, globex, initech)) {
      signal.throwIfAborted();
      narrator.action(customer.workspaceId, says, about);
      await act();
      await caughtUp(system, signal);
      if (!once) await delay(paceMs, undefined, { signal });
    }

    found = await verdictOf(stack, system);
    if (!once) {
      printVerdict(found, narrator, json);
      await printNextSteps(stack, system, acme, narrator);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
  } finally {
    await system.stop();
  }
  // Printed last, after what the services log while they stop.
  if (once) printVerdict(found, narrator, json);
  return found.differences.length === 0 && found.deadLetters === 0 ? 0 : 1;
}

async function showConsole(system: System, narrator: Narrator, signal: AbortSignal): Promise<void> {
  try {
    const { url } = await startConsole((env) => system.start('console', undefined, env), signal);
    narrator.say(`The console: ${url}`);
  } catch (error) {
    signal.throwIfAborted();
    console.error(pc.yellow(`The console is not started: ${error instanceof Error ? error.message : String(error)}`));
  }
}

/** Commands to try next, ready to copy. */
async function printNextSteps(stack: StackAddresses, system: System, customer: Customer, narrator: Narrator): Promise<void> {
  const { workspaceId, inNotion } = customer;
  const database = await system.db.collection('databases').findOne({ workspaceId });
  const databaseId = String(database?.['databaseId']);
  const body = JSON.stringify({ title: [{ text: { content: 'Renamed from a terminal' } }] });
  narrator.say('Running until Ctrl-C. In a second terminal:');
  const steps: readonly [string, string][] = [
    ['see how the mirror is doing', 'npm run mirror -- status'],
    ['follow one database', `npm run mirror -- explain ${databaseId}`],
    [
      'rename it in the emulated Notion, and watch it here',
      [
        `curl -X PATCH ${system.notion.url}/v1/databases/${databaseId} -d '${body}' \\`,
        `      -H 'authorization: Bearer ${inNotion.ownerToken}' -H 'notion-version: 2025-09-03' -H 'content-type: application/json'`,
      ].join('\n'),
    ],
    ['read the mirror', `mongosh '${system.env['MIRROR_MONGODB_URI']}' --eval 'db.databases.find({ workspaceId: "${workspaceId}" })'`],
  ];
  for (const [what, command] of steps) console.log(`\n  ${pc.dim(what)}\n    ${command}`);
  console.log(`\n  ${pc.dim(`Kafka: ${stack.kafkaBrokers}, topic ${system.env['MIRROR_TOPIC_PREFIX']}notion.database-events`)}`);
}

/** Waits until no webhook is in flight and the mirror equals Notion, or `patienceMs` has passed: the verdict says which. */
async function caughtUp(system: System, signal: AbortSignal): Promise<void> {
  await system.pair.settle();
  const deadline = Date.now() + patienceMs;
  while ((await system.differences()).length > 0 && Date.now() < deadline) await delay(50, undefined, { signal });
}

interface Verdict {
  readonly mirrored: number;
  readonly inNotion: number;
  readonly rows: { readonly mirrored: number; readonly inNotion: number };
  readonly differences: readonly Difference[];
  readonly deadLetters: number;
}

async function verdictOf(stack: StackAddresses, system: System): Promise<Verdict> {
  return {
    mirrored: await system.db.collection('databases').countDocuments(),
    inNotion: system.notionDatabases(),
    rows: { mirrored: await system.db.collection('rows').countDocuments(), inNotion: system.notionRows() },
    differences: await system.differences(),
    deadLetters: await countDeadLetters(stack, system),
  };
}

function printVerdict({ mirrored, inNotion, rows, differences, deadLetters }: Verdict, narrator: Narrator, json: boolean): void {
  const equal = differences.length === 0;
  narrator.say('The verdict');
  console.log(`  The mirror holds ${mirrored} databases and ${rows.mirrored} rows, Notion ${inNotion} and ${rows.inNotion}.`);
  console.log(equal ? pc.green('  They are equal, field by field.') : pc.red(`  They differ in ${differences.length} places:`));
  for (const difference of differences.slice(0, 20)) console.log(describe(difference));
  console.log(deadLetters === 0 ? pc.green('  No dead letters.') : pc.red(`  ${deadLetters} dead letters.`));
  if (json) console.log(JSON.stringify({ mirrored, inNotion, rows, equal, differences, deadLetters }));
}

function describe({ databaseId, pageId, field, mirror, notion }: Difference): string {
  return `    ${pageId ?? databaseId} ${field}\n      mirror ${pc.red(JSON.stringify(mirror))}\n      Notion ${pc.green(JSON.stringify(notion))}`;
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

/** Hands each document on as it is written, from MongoDB's change stream. */
function followRecords(system: System, collection: string, onDocument: (document: Document) => void): AsyncDisposable {
  const stream = system.db.collection(collection).watch([], { fullDocument: 'updateLookup' });
  stream.on('change', (change) => {
    if ('fullDocument' in change && change.fullDocument) onDocument(change.fullDocument);
  });
  // The system, and with it the client, is stopped before the stream: that error is expected.
  stream.on('error', () => {});
  return { [Symbol.asyncDispose]: () => stream.close() };
}
