import type { JsonObject } from '../json.ts';
import type { Occurrence } from './announcer.ts';
import type { Bot } from './model.ts';

export const apiVersions = ['2022-06-28', '2025-09-03', '2026-03-11'] as const;
export type WebhookApiVersion = (typeof apiVersions)[number];

/** An occurrence translated for a subscription of this API version; null when that version has no such event. */
export function inApiVersion(occurrence: Occurrence, version: WebhookApiVersion): Occurrence | null {
  if (version !== '2022-06-28' || occurrence.entity.type !== 'data_source') return occurrence;
  if (occurrence.databaseId === null) return null;
  const event = occurrence.type.slice('data_source.'.length);
  if (event !== 'content_updated' && event !== 'schema_updated') return null;
  const { data_source_id: _, ...parent } = occurrence.parent;
  return { ...occurrence, type: `database.${event}`, entity: { id: occurrence.databaseId, type: 'database' }, parent };
}

/** A webhook body without its `attempt_number`. */
export function webhookPayload(
  occurrence: Occurrence,
  {
    id,
    workspaceName,
    subscription,
    bots,
  }: {
    id: string;
    workspaceName: string;
    subscription: { readonly id: string; readonly integrationId: string; readonly apiVersion: WebhookApiVersion };
    /** The bots of a public integration that see the entity; null for an internal one. */
    bots: readonly Bot[] | null;
  },
): JsonObject {
  const { updatedBlocks, updatedProperties, updatedPropertyIds } = occurrence;
  return {
    id,
    timestamp: new Date(occurrence.at).toISOString(),
    workspace_id: occurrence.workspaceId,
    workspace_name: workspaceName,
    subscription_id: subscription.id,
    integration_id: subscription.integrationId,
    authors: occurrence.authors.map((author) => ({ ...author })),
    ...(bots === null ? {} : { accessible_by: accessibleBy(bots) }),
    attempt_number: 1,
    api_version: subscription.apiVersion,
    entity: { ...occurrence.entity },
    type: occurrence.type,
    data: {
      ...(updatedBlocks === undefined ? {} : { updated_blocks: updatedBlocks.map((block) => ({ ...block })) }),
      ...(updatedProperties === undefined ? {} : { updated_properties: updatedProperties.map((property) => ({ ...property })) }),
      ...(updatedPropertyIds === undefined ? {} : { updated_properties: updatedPropertyIds }),
      parent: { ...occurrence.parent },
    },
  };
}

function accessibleBy(bots: readonly Bot[]): JsonObject[] {
  const owners = [...new Set(bots.map((bot) => bot.ownerId))];
  return [...owners.map((id) => ({ id, type: 'person' })), ...bots.map(({ id }) => ({ id, type: 'bot' }))];
}
