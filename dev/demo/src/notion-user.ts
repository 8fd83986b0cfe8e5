/** A person in Notion, acting through Notion's own REST API as the emulator serves it. */

type Json = Readonly<Record<string, unknown>>;

export interface NotionUser {
  /** Resolves to the new database's id and the id of its first data source. */
  createDatabase(pageId: string, title: string, properties: Json): Promise<{ readonly databaseId: string; readonly dataSourceId: string }>;
  editDatabase(databaseId: string, edit: Json): Promise<void>;
  editDataSource(dataSourceId: string, edit: Json): Promise<void>;
  addDataSource(databaseId: string, title: string, properties: Json): Promise<string>;
}

export function notionUser(notionUrl: string, token: string): NotionUser {
  const call = async (method: 'POST' | 'PATCH', path: string, body: Json): Promise<Json> => {
    const response = await fetch(`${notionUrl}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'notion-version': '2025-09-03', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.json()) as Json;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${String(answer['message'])}`);
    return answer;
  };
  return {
    async createDatabase(pageId, title, properties) {
      const answer = await call('POST', 'databases', {
        parent: { type: 'page_id', page_id: pageId },
        title: richText(title),
        initial_data_source: { properties },
      });
      const [source] = answer['data_sources'] as readonly { readonly id: string }[];
      return { databaseId: String(answer['id']), dataSourceId: source?.id ?? '' };
    },
    async editDatabase(databaseId, edit) {
      await call('PATCH', `databases/${databaseId}`, edit);
    },
    async editDataSource(dataSourceId, edit) {
      await call('PATCH', `data_sources/${dataSourceId}`, edit);
    },
    async addDataSource(databaseId, title, properties) {
      const parent = { type: 'database_id', database_id: databaseId };
      const answer = await call('POST', 'data_sources', { parent, title: richText(title), properties });
      return String(answer['id']);
    },
  };
}

export function richText(text: string): readonly Json[] {
  return [{ type: 'text', text: { content: text } }];
}
