/**
 * Why Notion refused a call with 429 or 529: its `rate_limit_reason`, or `service_overload` (529), `unknown` when it gives none, `other` when it gives one
 * that is not known here.
 */
export const limitReasons = [
  'public_api_request_rate_limit',
  'public_api_space_request_rate_limit',
  'public_api_endpoint_rate_limit',
  'collection_router_upstream_429',
  'service_overload',
  'unknown',
  'other',
] as const;
export type LimitReason = (typeof limitReasons)[number];

/**
 * Why a fetch was postponed before its first call. `window`: the connection has made as many calls as it may in 60 s. `pause`, `workspace_pause`: Notion has
 * asked to wait, for the connection or its whole Notion workspace.
 */
export const postponeReasons = ['window', 'pause', 'workspace_pause'] as const;
export type PostponeReason = (typeof postponeReasons)[number];

export function limitReasonOf(text: string | null): LimitReason {
  if (text === null) return 'unknown';
  return limitReasons.find((reason) => reason === text) ?? 'other';
}
