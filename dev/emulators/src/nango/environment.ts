import type { Random } from '../random.ts';
import type { NangoConnection } from './connections.ts';

export interface NangoIntegration {
  /** The integration's id, in URLs and bodies. */
  readonly providerConfigKey: string;
  readonly provider: string;
  /** Notion's verification token from the integration's settings; null: nothing is verified. */
  webhookSecret: string | null;
  readonly forwardWebhooks: boolean;
}

/** One environment of a Nango account: its keys, integrations and connections. */
export interface NangoEnvironment {
  readonly uuid: string;
  readonly name: string;
  apiKey: string;
  /** Only one at a time: a rotation has no overlap. */
  signingKey: string;
  readonly integrations: Map<string, NangoIntegration>;
  readonly connections: Map<string, NangoConnection>;
  readonly random: Random;
}

/** Connections of one integration for one Notion workspace, oldest first. */
export function connectionsOfWorkspace(environment: NangoEnvironment, providerConfigKey: string, workspaceId: string): NangoConnection[] {
  return [...environment.connections.values()].filter(
    (connection) => connection.providerConfigKey === providerConfigKey && connection.workspaceId === workspaceId,
  );
}
