import { z } from 'zod';

/** Fixed windows, counted per token and per workspace; null: no limit. A refused request does not use the budget. */
export const rateLimitSchema = z.strictObject({
  windowMs: z.number().min(1).default(60_000),
  perToken: z.int().min(0).nullable().default(null),
  perWorkspace: z.int().min(0).nullable().default(null),
  /** Notion's wait at a workspace limit can exceed a minute. Default: the rest of the window. */
  workspaceRetryAfterSeconds: z.int().min(0).nullable().default(null),
});
export type RateLimitSettings = z.output<typeof rateLimitSchema>;

export type RateLimitVerdict =
  | { readonly kind: 'allowed' }
  | {
      readonly kind: 'limited';
      readonly reason: 'public_api_request_rate_limit' | 'public_api_space_request_rate_limit';
      readonly retryAfterSeconds: number;
    };

export interface RateLimiter {
  take(token: string, workspaceId: string): RateLimitVerdict;
  reset(): void;
}

/** A window begins with the first request after the previous one ended. */
export function createRateLimiter(settings: () => RateLimitSettings, now: () => number): RateLimiter {
  const windows = new Map<string, { readonly start: number; used: number }>();

  const windowOf = (key: string, windowMs: number) => {
    const known = windows.get(key);
    if (known !== undefined && now() < known.start + windowMs) return known;
    const fresh = { start: now(), used: 0 };
    windows.set(key, fresh);
    return fresh;
  };

  return {
    take: (token, workspaceId) => {
      const { windowMs, perToken, perWorkspace, workspaceRetryAfterSeconds } = settings();
      const ofToken = windowOf(`token ${token}`, windowMs);
      const ofWorkspace = windowOf(`workspace ${workspaceId}`, windowMs);
      const rest = ({ start }: { start: number }) => Math.max(1, Math.ceil((start + windowMs - now()) / 1000));
      if (perToken !== null && ofToken.used >= perToken) {
        return { kind: 'limited', reason: 'public_api_request_rate_limit', retryAfterSeconds: rest(ofToken) };
      }
      if (perWorkspace !== null && ofWorkspace.used >= perWorkspace) {
        return {
          kind: 'limited',
          reason: 'public_api_space_request_rate_limit',
          retryAfterSeconds: workspaceRetryAfterSeconds ?? rest(ofWorkspace),
        };
      }
      ofToken.used += 1;
      ofWorkspace.used += 1;
      return { kind: 'allowed' };
    },
    reset: () => windows.clear(),
  };
}
