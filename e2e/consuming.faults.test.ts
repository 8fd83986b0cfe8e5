import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DatabaseContent } from '@notion-mirror/domain/database-content';
import type { EntityState } from '@notion-mirror/domain/entity-state';
import type { RowContent } from '@notion-mirror/domain/entities/row';
import { createStateCodec } from '@notion-mirror/event-log/state-codec';
import { openStateLogWriter } from '@notion-mirror/event-log/state-log-writer';
import { toStateRecord } from '@notion-mirror/event-log/state-record';
import { isolatedLog } from '@notion-mirror/event-log/testing/isolated-log';
import { databaseStates } from '@notion-mirror/event-log/entities/database-state';
import { rowStates } from '@notion-mirror/event-log/entities/row-state';
import { stateLogOf, type StateContract } from '@notion-mirror/event-log/state-contract';
import { runCommand } from '@notion-mirror/local-stack/command';
import { fetchJars } from '@notion-mirror/local-stack/maven';
import { cacheRootOf, installOnce } from '@notion-mirror/local-stack/tool-cache';
import { findJava, findMaven, findPip } from '@notion-mirror/local-stack/toolchain';
import { beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { waitUntil } from './wait-until.ts';
import { someContent } from '../packages/mirror-store/test/databases.ts';
import { someRow } from '../packages/mirror-store/test/rows.ts';

/** The clients of docs/consuming.md in all three languages, verbatim except for the topic prefix and the group. */

const root = join(import.meta.dirname, '..');
const java = await findJava(process.env);
const hasJava = 'command' in java && (await findMaven()) === null;
const hasPython = (await findPip()) === null;

const requirements = ['confluent-kafka==2.16.1', 'fastavro==1.13.1', 'requests==2.34.2'];
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>notion-mirror</groupId><artifactId>state-consumer</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-clients</artifactId><version>4.2.0</version></dependency>
    <dependency><groupId>org.apache.avro</groupId><artifactId>avro</artifactId><version>1.12.2</version></dependency>
  </dependencies>
</project>
`;

const changes = [
  't:a Sprints 2 database',
  't:b Näme: “ü” 2 database',
  't:b is gone',
  't:p Kale 🥬 source-1 Name=Kale 🥬 Stock=7',
  't:q Kale 🥬 source-1 Name=Kale 🥬 Stock=7',
  't:q is gone',
];

describe('the clients of docs/consuming.md', () => {
  const stack = inject('stack');
  const log = isolatedLog(stack);

  async function append<Content>(states: StateContract<Content>, changed: readonly EntityState<Content>[]): Promise<void> {
    const codec = await createStateCodec(log.schemaRegistry, log.prefix, states);
    const { topic, writerId } = stateLogOf(log.prefix, states);
    const writer = await openStateLogWriter({ kafka: log.kafka, topic, transactionalId: writerId });
    await writer.append(changed.map((state) => toStateRecord(state, codec)));
    await writer.close();
  }

  beforeAll(async () => {
    await log.init(3);
    await append(databaseStates, [live('a', 'Sprints'), live('b', 'Näme: “ü”'), removed('b')]);
    await append(rowStates, [row('p'), row('q'), removed('q')]);
    return () => log.remove();
  });

  test('Node', async () => {
    const folder = await clientFolder();
    await symlink(join(root, 'packages/event-log/node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'client.mjs'), await codeOf('js'));
    expect(await heardFrom(process.execPath, [join(folder, 'client.mjs')])).toEqual(changes);
  });

  test.skipIf(!hasPython)('Python', async () => {
    // Wheels fit a single Python version.
    const recipe = [await runCommand('python3', ['--version']), ...requirements].join('\n');
    const tool = { name: 'state-consumer-python', version: '1', recipe };
    const packages = await installOnce(cacheRootOf(process.env), tool, async (draft) => {
      await runCommand('python3', ['-m', 'pip', 'install', '--quiet', '--only-binary=:all:', '--target', draft, ...requirements]);
    });
    const folder = await clientFolder();
    await writeFile(join(folder, 'client.py'), await codeOf('python'));
    expect(await heardFrom('python3', ['-u', join(folder, 'client.py')], { PYTHONPATH: packages })).toEqual(changes);
  });

  test.skipIf(!hasJava)('Java', async () => {
    const tool = { name: 'state-consumer-java', version: '1', recipe: pom };
    const jars = await installOnce(cacheRootOf(process.env), tool, (draft) => fetchJars(draft, pom));
    const folder = await clientFolder();
    await writeFile(join(folder, 'StateConsumer.java'), await codeOf('java'));
    const command = 'command' in java ? java.command : 'java';
    expect(await heardFrom(command, ['-cp', join(jars, 'lib', '*'), join(folder, 'StateConsumer.java')])).toEqual(changes);
  });

  /** The page's only code block in that language. */
  async function codeOf(language: string): Promise<string> {
    const text = await readFile(join(root, 'docs/consuming.md'), 'utf8');
    const code = new RegExp(`^\`\`\`${language}\\n(?<code>[\\s\\S]*?)^\`\`\`$`, 'm').exec(text)?.groups?.['code'] ?? '';
    for (const { topic } of [databaseStates, rowStates]) expect(code).toContain(topic);
    return code
      .replace(/notion\.(?:database|row)-states/g, `${log.prefix}$&`)
      .replace('my-index', `${log.prefix}${randomUUID().slice(0, 8)}`);
  }

  /** Runs a client until it has printed the last change of each database and row. Its lines for each, in order. */
  async function heardFrom(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string[]> {
    const child = spawn(command, args, {
      env: { ...process.env, ...env, KAFKA_BROKERS: stack.kafkaBrokers, SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'exit');
    const lines: string[] = [];
    const errors: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
    const of = (key: string) => lines.filter((line) => line.startsWith(key));
    try {
      const isComplete = () => {
        if (child.exitCode !== null) throw new Error(`${command} ended unexpectedly:\n${errors.join('\n')}`);
        return ['t:a ', 't:b is gone', 't:p ', 't:q is gone'].every((last) => of(last).length > 0);
      };
      await waitUntil(isComplete, { timeoutMs: 60_000, describe: () => `it said:\n${[...lines, ...errors].join('\n')}` });
      return ['t:a ', 't:b ', 't:p ', 't:q '].flatMap(of);
    } finally {
      child.kill('SIGKILL');
      await ended;
    }
  }
});

async function clientFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mirror-consumer-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const at = new Date('2026-05-04T03:02:01Z');

function live(databaseId: string, title: string): EntityState<DatabaseContent> {
  const content = someContent({ title });
  return {
    kind: 'live',
    workspaceId: 't',
    id: databaseId,
    rev: 1,
    asOf: at,
    syncedAt: at,
    connectionId: 'c',
    lastEvent: { id: 'e', type: 'database.created', occurredAt: at },
    content: { ...content, raw: { ...content.raw, database: { object: 'database' } } },
  };
}

function row(pageId: string): EntityState<RowContent> {
  const properties = [
    { id: 'title', name: 'Name', type: 'title', value: 'Kale 🥬' },
    { id: 'n', name: 'Stock', type: 'number', value: 7 },
  ];
  const content = someRow({ title: 'Kale 🥬', properties });
  const times = { asOf: at, syncedAt: at };
  return { kind: 'live', workspaceId: 't', id: pageId, rev: 1, ...times, connectionId: 'c', lastEvent: null, seenBy: 'query', content };
}

function removed(id: string): EntityState<never> {
  return {
    kind: 'removed',
    workspaceId: 't',
    id,
    rev: 2,
    asOf: at,
    source: 'delete',
    connectionId: 'c',
    removed: { at, reason: 'deleted', eventId: 'e' },
  };
}
