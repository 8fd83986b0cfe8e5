/** A person in Notion, acting through Notion's own REST API as the emulator serves it. */

type Json = Readonly<Record<string, unknown>>;

export interface NotionUser {
  /** Resolves to the new database's id and the id of its first data source. */
  createDatabase(pageId: string, title: string, properties: Json): Promise<{ readonly databaseId: string; readonly dataSourceId: string }>;
  editDatabase(databaseId: string, edit: Json): Promise<void>;
  editDataSource(dataSourceId: string, edit: Json): Promise<void>;
  addDataSource(databaseId: string, title: string, properties: Json): Promise<string>;
  /** Resolves to the new row's id. */
  addRow(dataSourceId: string, title: string, cells?: Json): Promise<string>;
  editRow(pageId: string, edit: Json): Promise<void>;
  moveRow(pageId: string, dataSourceId: string): Promise<void>;
  /** Renames an option of a select in the schema, and thereby in every row. */
  renameOption(dataSourceId: string, property: string, from: string, to: string): Promise<void>;
}

export function notionUser(notionUrl: string, token: string): NotionUser {
  const call = async (method: 'GET' | 'POST' | 'PATCH', path: string, body?: Json): Promise<Json> => {
    const response = await fetch(`${notionUrl}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'notion-version': '2025-09-03', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
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
    async addRow(dataSourceId, title, cells = {}) {
      const answer = await call('POST', 'pages', {
        parent: { type: 'data_source_id', data_source_id: dataSourceId },
        properties: { title: { title: richText(title) }, ...cells },
      });
      return String(answer['id']);
    },
    async editRow(pageId, edit) {
      await call('PATCH', `pages/${pageId}`, edit);
    },
    async moveRow(pageId, dataSourceId) {
      await call('POST', `pages/${pageId}/move`, { parent: { type: 'data_source_id', data_source_id: dataSourceId } });
    },
    async renameOption(dataSourceId, property, from, to) {
      const source = await call('GET', `data_sources/${dataSourceId}`);
      const { select } =
        (source['properties'] as Readonly<Record<string, { readonly select: { readonly options: readonly Json[] } }>>)[property] ?? {};
      const options = select?.options.map(({ id, name }) => ({ id, name: name === from ? to : name }));
      await call('PATCH', `data_sources/${dataSourceId}`, { properties: { [property]: { select: { options } } } });
    },
  };
}

export function richText(text: string): readonly Json[] {
  return [{ type: 'text', text: { content: text } }];
}
