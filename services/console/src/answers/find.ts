/** `GET /api/find?q`: a tenant (or a part of its id), an id, a Notion URL, `partition:offset` of a dead letter. At most 20. */
export interface FindAnswer {
  readonly hits: readonly Hit[];
}

export interface Hit {
  readonly kind: 'tenant' | 'database' | 'data_source' | 'row' | 'event' | 'dead_letter' | 'explain';
  /** Null: any. */
  readonly workspaceId: string | null;
  readonly id: string;
  readonly title: string | null;
  /** Where to go, e.g. `/t/acme/d/248104cd-477e-80fd-b757-e945d38000bd`. Parts are percent-encoded. */
  readonly to: string;
}
