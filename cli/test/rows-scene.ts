import { randomBytes, randomUUID } from 'node:crypto';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { openMongo } from '@notion-mirror/mirror-store/client';
import { openContents } from '@notion-mirror/mirror-store/contents-document';
import { openDataSourceContents } from '@notion-mirror/mirror-store/data-source-contents';
import { databaseStorage } from '@notion-mirror/mirror-store/entities/database';
import { rowStorage } from '@notion-mirror/mirror-store/entities/row';
import { initMongo } from '@notion-mirror/mirror-store/init';
import { createRecordStore } from '@notion-mirror/mirror-store/records/record-store';
import { encryptToken } from '@notion-mirror/mirror-store/token-cipher';
import { openNotion } from '@notion-mirror/operations/notion-access';
import { loadConfig } from '@notion-mirror/service-kit/config';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { isolatedLog, silent } from '@notion-mirror/event-log/testing/isolated-log';
import { inject } from 'vitest';
import { notionUser } from '../../dev/demo/src/notion-user.ts';
import { startNotionEmulator } from '../../dev/emulators/src/notion/emulator.ts';
import { someLayout } from '../../packages/mirror-store/test/mongo.ts';
import { mirror } from './surroundings.ts';

const tenant = 'acme';

/** A customer in an emulated Notion, and a mirror that only `mirrorDatabase` and `mirrorRow` bring up to date. */
export async function setRowsScene(name: string) {
  const stack = inject('stack');
  const uri = new URL(stack.mongodbUri);
  uri.pathname = `/${name}_${randomUUID().slice(0, 8)}`;
  const log = isolatedLog(stack);
  const notion = await startNotionEmulator({ seed: name });
  const mongo = await openMongo(uri.href, { appName: 'rows-test' });
  const { db } = mongo;
  const key = randomBytes(32);
  const env = {
    MIRROR_KAFKA_BROKERS: stack.kafkaBrokers,
    MIRROR_SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    MIRROR_MONGODB_URI: uri.href,
    MIRROR_TOPIC_PREFIX: log.prefix,
    MIRROR_NOTION_API_URL: notion.url,
    MIRROR_ENCRYPTION_KEY: key.toString('base64'),
  };
  await initMongo(db, someLayout);
  await log.init(1);

  const { id: notionWorkspaceId, owner } = notion.createWorkspace({ name: 'Acme' });
  const integration = notion.createIntegration({ name: 'Mirror', type: 'internal' });
  const bot = notion.installBot({ workspaceId: notionWorkspaceId, integrationId: integration.id });
  const home = notion.createPage({ workspaceId: notionWorkspaceId, title: 'Home' });
  notion.share({ botId: bot.id, id: home.id });
  const user = notionUser(notion.url, owner.token);
  const token = encryptToken(key, 'own', bot.token);
  const identity = { connectionId: 'own', providerConfigKey: 'notion', workspaceId: tenant, notionWorkspaceId, botId: bot.id, token };
  await createConnectionStore(db).add(identity);
  const [connection] = await createConnectionStore(db).list(tenant);

  const context = {
    config: loadConfig(env, 'cli'),
    entities: [],
    clientName: 'rows-test',
    logger: silent,
    signal: new AbortController().signal,
    redact: (text: string) => text,
    onProgress: () => {},
  };
  const access = openNotion(context, connection === undefined ? [] : [connection], 10_000);
  const databases = createRecordStore(databaseStorage, { db, metrics: new Registry() });
  const rows = createRecordStore(rowStorage, { db, metrics: new Registry() });
  const contents = openDataSourceContents(db);

  return {
    tenant,
    env,
    log,
    db,
    notion,
    notionWorkspaceId,
    bot,
    home: home.id,
    user,
    contents,
    mirror: (...args: string[]) => mirror(args, { env }),
    /** What a person does to a page with Notion's API. */
    async patchPage(id: string, edit: object): Promise<void> {
      const headers = { authorization: `Bearer ${owner.token}`, 'notion-version': '2026-03-11', 'content-type': 'application/json' };
      const answer = await fetch(`${notion.url}/v1/pages/${id}`, { method: 'PATCH', headers, body: JSON.stringify(edit) });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    },
    /** Writes the database as Notion has it now, and follows its data sources. */
    async mirrorDatabase(databaseId: string): Promise<void> {
      const fetched = await access.fetchDatabase({ workspaceId: tenant, databaseId }, context.signal);
      if (fetched.kind !== 'live') throw new Error(fetched.kind);
      const { content } = fetched;
      const ref = { workspaceId: tenant, id: databaseId };
      const lastEvent = { id: randomUUID(), type: 'database.created', occurredAt: new Date() };
      const write = { ...ref, expected: await databases.read(ref), content, connectionId: 'own', asOf: new Date(), lastEvent };
      await databases.writeLive(write);
      await contents.follow(
        { workspaceId: tenant, databaseId },
        content.dataSources.map(({ id }) => ({ dataSourceId: id, schema: id })),
      );
    },
    /** Writes the row as Notion has it now. */
    async mirrorRow(pageId: string): Promise<void> {
      const fetched = await access.fetchRow({ workspaceId: tenant, pageId }, context.signal);
      if (fetched.kind !== 'live') throw new Error(fetched.kind);
      const ref = { workspaceId: tenant, id: pageId };
      const { content } = fetched;
      await rows.writeLive({
        ...ref,
        expected: await rows.read(ref),
        content,
        connectionId: 'own',
        asOf: new Date(),
        lastEvent: null,
        seenBy: 'page',
      });
    },
    /** As after a complete scan. */
    async setContents(dataSourceId: string, change: object = { state: 'complete', completeAsOf: new Date(), wanted: null, dueAt: null }) {
      await openContents(db).updateOne({ workspaceId: tenant, dataSourceId }, { $set: change });
    },
    async end(): Promise<void> {
      await log.remove();
      await db.dropDatabase();
      await mongo.close();
      await notion.stop();
    },
  };
}
