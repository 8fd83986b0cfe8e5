/*
 * The answers of the console's API, as plain JSON. The page imports these types and nothing else of the service, so these files import only each other.
 * Times are ISO 8601 in UTC. Every answer carries the header `x-console-version`: another version than that of `Me` means "updated: reload".
 *
 * With content hidden (`Me.content` is false) every text of a customer is null or left out: titles, names, properties, raw objects, rows, values.
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** ISO 8601, UTC. */
export type Time = string;

/** Every answer with a status of 400 or more; also the data of the SSE event `failed`. */
export interface ErrorAnswer {
  readonly error: {
    /**
     * Stable, for programs. `sign_in_with_token`, `sign_in_at_proxy` (401), `wrong_host`, `cross_site`, `needs_operator`, `content_hidden` (403), `not_found`,
     * `bad_request` (400, 413, 415), `too_often` (429, with `retry-after`), `kafka_unavailable`, `mongodb_unavailable`, `too_slow` (503), `unexpected` (500), or as the CLI has it.
     */
    readonly code: string;
    readonly message: string;
    /** What to do, e.g. a command; null: nothing is known. */
    readonly remedy: string | null;
  };
}

/** A page of a list. `next`: the parameter `cursor` of the following page; null: this is the last one. */
export interface Paged {
  readonly next: string | null;
}

/** What is above or below a database or row. `kind: 'page'`: Notion's page that is no row of the mirror; it has no title here. */
export interface Crumb {
  readonly kind: 'database' | 'row' | 'page';
  readonly id: string;
  readonly title: string | null;
  /** Of a row. */
  readonly databaseId: string | null;
}
