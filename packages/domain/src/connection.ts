/**
 * - `active`: its events are appended and its databases fetched.
 * - `paused`: an operator stopped it.
 * - `unauthorized`: Notion refuses its token, even a fresh one.
 * - `deleted`: deleted at Nango, or removed by the operator.
 */
export type ConnectionStatus = 'active' | 'paused' | 'unauthorized' | 'deleted';

/** A customer's grant: the Notion workspace, our tenant, and the token. */
export interface Connection {
  readonly connectionId: string;
  readonly providerConfigKey: string;
  /** Our tenant. */
  readonly workspaceId: string;
  readonly notionWorkspaceId: string;
  /** The bot of this grant; Notion names it in a webhook's `accessible_by` when it can read the entity. */
  readonly botId: string | null;
  readonly status: ConnectionStatus;
  readonly statusReason: string | null;
  /** The encrypted Notion token, or null when Nango holds it. */
  readonly token: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
