/** Bodies as Nango and Notion send them, with independently computed signatures. For tests. */

export const nangoKey = 'test-webhook-signing-key';
export const notionToken = 'secret_EXAMPLE_TOKEN_FROM_NOTION_DOCS';

/** Exactly as Nango sends it: keys sorted at every level, no whitespace. */
export const forwardedSchemaUpdate = Buffer.from(
  '{"connectionId":"4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11","from":"notion","payload":{"api_version":"2025-09-03","attempt_number":1,"authors":[{"id":"c7c11cca-1d73-471d-9b6e-bdef51470190","type":"person"}],"data":{"parent":{"data_source_id":"263104cd-477e-804b-8c32-000b2fcd241a","id":"263104cd-477e-80ef-8afe-c488d39a5cdb","type":"database"},"updated_properties":[{"action":"created","id":"kqLW","name":"Created at"}]},"entity":{"id":"263104cd-477e-804b-8c32-000b2fcd241a","type":"data_source"},"id":"5496f509-6988-4bab-b6a9-bdce0b720ca0","integration_id":"0ef2e755-4912-8096-91c1-00376a88a5ca","subscription_id":"29d75c0d-5546-4414-8459-7b7a92f1fc4b","timestamp":"2026-01-05T23:55:22.243Z","type":"data_source.schema_updated","workspace_id":"13950b26-c203-4f3b-b97d-93ec06319565","workspace_name":"Quantify Labs"},"providerConfigKey":"notion","type":"forward"}',
);

export const handshake = Buffer.from(`{"verification_token":"${notionToken}"}`);

export const authCreation = Buffer.from(
  '{"authMode":"OAUTH2","connectionId":"4f7f7b8e-0c55-4b0e-9f0e-2f6d1f6f8a11","environment":"prod","from":"nango","operation":"creation","provider":"notion","providerConfigKey":"notion","success":true,"tags":{"end_user_id":"u_42"},"type":"auth"}',
);

/** `X-Nango-Hmac-Sha256` of the bodies above under `nangoKey`. */
export const nangoSignatures = {
  forwardedSchemaUpdate: '04033677589debfb10e0c93c19cfa0974e166b99ee5a360a29b926c1bf1c2354',
  handshake: '8deac43d31a654c47ed62f0fd1a0db243f135012aa756bd533360d69b0c47e78',
  authCreation: 'b492eea85e7024d319e6c0d35b1dd7a29877d7ece38f66a06c4fc1b05fd41fc8',
  legacyForwardedSchemaUpdate: '45386ef4293401eaafb6605d1a1432059f408d636f94b4c9513ca647185d136e',
} as const;

const envelope = {
  workspace_id: '13950b26-c203-4f3b-b97d-93ec06319565',
  workspace_name: 'Quantify Labs',
  subscription_id: '29d75c0d-5546-4414-8459-7b7a92f1fc4b',
  integration_id: '0ef2e755-4912-8096-91c1-00376a88a5ca',
  authors: [{ id: 'c7c11cca-1d73-471d-9b6e-bdef51470190', type: 'person' }],
  attempt_number: 1,
} as const;

/** Notion's documented `data_source.created`: an internal integration, so no `accessible_by`; the parent is the page above. */
export const dataSourceCreated = {
  id: '6f6469cb-8022-409d-a560-62e631a84d74',
  timestamp: '2025-09-03T17:24:49.997Z',
  ...envelope,
  api_version: '2025-09-03',
  entity: { id: '263104cd-477e-804b-8c32-000b2fcd241a', type: 'data_source' },
  type: 'data_source.created',
  data: { parent: { id: '153104cd-477e-803a-88dc-caececf26478', type: 'page' } },
} as const;

/** Notion's documented `database.deleted`: a public integration, before there was an `api_version`. */
export const databaseDeleted = {
  id: 'c00e2ea7-032a-4e20-ae05-d69028a09ae9',
  timestamp: '2024-12-05T23:51:27.295Z',
  ...envelope,
  type: 'database.deleted',
  accessible_by: [
    { id: '556a1abf-4f08-40c6-878a-75890d2a88ba', type: 'person' },
    { id: '1edc05f6-2702-81b5-8408-00279347f034', type: 'bot' },
  ],
  entity: { id: '153104cd-477e-80eb-ae76-e1c2a32c7b35', type: 'database' },
  data: { parent: { id: '0ef104cd-477e-80e1-8571-cfd10e92339a', type: 'page' } },
} as const;

/** The other documented samples: their differences from the envelope. */
const variants = {
  'data_source.moved': {
    entity: { id: '263104cd-477e-8025-aae1-000b58fc5834', type: 'data_source' },
    data: { parent: { id: '263104cd-477e-80ef-8afe-c488d39a5cdb', type: 'database' } },
  },
  'data_source.deleted': {
    entity: { id: '263104cd-477e-804b-8c32-000b2fcd241a', type: 'data_source' },
    data: { parent: { id: '263104cd-477e-80ef-8afe-c488d39a5cdb', type: 'page' } },
  },
  'data_source.undeleted': {
    entity: { id: '263104cd-477e-8025-aae1-000b58fc5834', type: 'data_source' },
    data: { parent: { id: '153104cd-477e-803a-88dc-caececf26478', type: 'page' } },
  },
  'data_source.content_updated': {
    entity: { id: '263104cd-477e-804b-8c32-000b2fcd241a', type: 'data_source' },
    data: {
      updated_blocks: [
        { id: '15b104cd-477e-80a4-bff3-cd05428a4d55', type: 'block' },
        { id: '15b104cd-477e-80be-98e7-cdf0897fa5c9', type: 'block' },
      ],
      parent: { id: '0ef104cd-477e-80e1-8571-cfd10e92339a', type: 'page' },
    },
  },
  'data_source.schema_updated': {
    entity: { id: '263104cd-477e-804b-8c32-000b2fcd241a', type: 'data_source' },
    data: {
      parent: { id: '0ef104cd-477e-80e1-8571-cfd10e92339a', type: 'page' },
      updated_properties: [
        { id: 'kqLW', name: 'Created at', action: 'created' },
        { id: 'wX%7Bd', name: 'Blurb', action: 'updated' },
        { id: 'LIM%5D', name: null, action: 'deleted' },
      ],
    },
  },
  'database.content_updated': {
    entity: { id: '15b104cd-477e-80c2-84a0-c32cefba5cff', type: 'database' },
    data: {
      updated_blocks: [{ id: '15b104cd-477e-80a4-bff3-cd05428a4d55', type: 'block' }],
      parent: { id: '0ef104cd-477e-80e1-8571-cfd10e92339a', type: 'page' },
    },
  },
  'database.schema_updated': {
    entity: { id: '15b104cd-477e-80c2-84a0-c32cefba5cff', type: 'database' },
    data: {
      parent: { id: '0ef104cd-477e-80e1-8571-cfd10e92339a', type: 'page' },
      updated_properties: [{ id: 'kqLW', name: 'Created at', action: 'created' }],
    },
  },
  'database.properties_updated': {
    entity: { id: '15b104cd-477e-80c2-84a0-c32cefba5cff', type: 'database' },
    data: { parent: { id: '0ef104cd-477e-80e1-8571-cfd10e92339a', type: 'page' } },
  },
  'database.created': {
    entity: { id: '153104cd-477e-80eb-ae76-e1c2a32c7b35', type: 'database' },
    data: { parent: { id: '13950b26-c203-4f3b-b97d-93ec06319565', type: 'space' } },
  },
  'database.moved': {
    entity: { id: '153104cd-477e-80eb-ae76-e1c2a32c7b35', type: 'database' },
    data: { parent: { id: '0ef104cd-477e-80e1-8571-cfd10e92339a', type: 'page' } },
  },
  'database.undeleted': {
    entity: { id: '153104cd-477e-80eb-ae76-e1c2a32c7b35', type: 'database' },
    data: { parent: { id: '0ef104cd-477e-80e1-8571-cfd10e92339a', type: 'page' } },
  },
} as const;

export interface NotionBody {
  readonly id: string;
  readonly timestamp: string;
  readonly workspace_id: string;
  readonly type: string;
  readonly entity: { readonly id: string; readonly type: string };
  readonly data?: unknown;
  readonly accessible_by?: readonly { readonly id: string; readonly type: string }[];
}

/** One body per type that concerns the mirror. */
export const databaseEvents: readonly NotionBody[] = [
  dataSourceCreated,
  databaseDeleted,
  ...Object.entries(variants).map(([type, variant], index) => ({
    id: `5496f509-6988-4bab-b6a9-${String(index).padStart(12, '0')}`,
    timestamp: '2026-01-05T23:55:22.243Z',
    ...envelope,
    api_version: '2025-09-03',
    type,
    ...variant,
  })),
];

/** A linked view of a database elsewhere. */
export const linkedDatabaseCreated: NotionBody = {
  ...databaseDeleted,
  type: 'database.created',
  entity: { id: '153104cd-477e-80eb-ae76-e1c2a32c7b35', type: 'block' },
};

const parentOfRow = {
  id: '36cc9195-760f-4fff-a67e-3a46c559b176',
  type: 'database',
  data_source_id: '98024f3c-b1d3-4aec-a301-f01e0dacf023',
} as const;

/** One body per type that concerns rows, each about a row. `page.properties_updated` is Notion's documented sample. */
export const rowEvents: readonly (NotionBody & { readonly data: { readonly parent: typeof parentOfRow } })[] = [
  'page.created',
  'page.content_updated',
  'page.properties_updated',
  'page.moved',
  'page.deleted',
  'page.undeleted',
  'page.locked',
  'page.unlocked',
].map((type, index) => ({
  ...envelope,
  id: `1782edd6-a853-4d4a-b02c-9c8c16f${String(index).padStart(5, '0')}`,
  timestamp: '2024-12-05T23:57:05.379Z',
  type,
  accessible_by: databaseDeleted.accessible_by,
  entity: { id: '153104cd-477e-809d-8dc4-ff2d96ae3090', type: 'page' },
  data: { parent: parentOfRow, ...(type === 'page.properties_updated' ? { updated_properties: ['XGe%40', 'bDf%5B', 'DbAu'] } : {}) },
}));

/** Types that do not concern the mirror, some without `data`, some that do not exist yet. */
export const otherEvents: readonly Readonly<Record<string, unknown>>[] = [
  ...[
    'page.transcription_block.transcript_deleted',
    'view.created',
    'view.updated',
    'view.deleted',
    'comment.created',
    'comment.updated',
    'comment.deleted',
  ].map((type) => ({ ...databaseDeleted, type, data: { parent: parentOfRow } })),
  { ...envelope, id: 'c00e2ea7-032a-4e20-ae05-d69028a09ae9', type: 'file_upload.completed', entity: { id: 'a', type: 'file_upload' } },
  { type: 'database.renamed' },
  { type: 'agent.awakened', id: 7, entity: null },
  { type: '__proto__' },
  { type: 'constructor' },
];
