import { limitReasons, postponeReasons, type LimitReason, type PostponeReason } from '@notion-mirror/domain/call-limits';
import { sumOfWork, type WorkCounts } from '@notion-mirror/mirror-store/work-counts';

/** How often calls were limited for one reason: refused by Notion with 429 or 529, or postponed here, so that they are not. `text`: the reason, for people. */
export type CallLimit =
  | { readonly kind: 'refused'; readonly reason: LimitReason; readonly count: number; readonly text: string }
  | { readonly kind: 'postponed'; readonly reason: PostponeReason; readonly count: number; readonly text: string };

const refusals: Readonly<Record<LimitReason, string>> = {
  public_api_request_rate_limit: "the connection's limit",
  public_api_space_request_rate_limit: 'the limit of the Notion workspace, shared by all its integrations',
  public_api_endpoint_rate_limit: 'the limit of one endpoint',
  collection_router_upstream_429: 'a limit inside Notion',
  service_overload: 'Notion is overloaded (529)',
  unknown: 'Notion gave no reason',
  other: 'a reason that is not known here',
};

const postponements: Readonly<Record<PostponeReason, string>> = {
  window: "the connection's budget of 60 s was used up",
  pause: 'Notion had asked the connection to wait',
  workspace_pause: 'Notion had asked the Notion workspace to wait',
};

/** The reasons for which any call was limited: refusals first, then the most frequent. */
export function callLimitsOf(work: readonly WorkCounts[]): CallLimit[] {
  const { limitedBy = {}, postponedBy = {} } = sumOfWork(work);
  const refused = limitReasons.map(
    (reason) => ({ kind: 'refused', reason, count: limitedBy[reason] ?? 0, text: refusals[reason] }) as const,
  );
  const postponed = postponeReasons.map(
    (reason) => ({ kind: 'postponed', reason, count: postponedBy[reason] ?? 0, text: postponements[reason] }) as const,
  );
  return [refused, postponed].flatMap((limits: readonly CallLimit[]) =>
    limits.filter(({ count }) => count > 0).toSorted((a, b) => b.count - a.count),
  );
}
