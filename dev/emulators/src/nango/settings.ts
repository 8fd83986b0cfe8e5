import { z } from 'zod';
import { breakerSchema } from './breaker.ts';

/** How webhooks are delivered to the receiver. */
export const deliverySchema = z.strictObject({
  timeoutMs: z.number().min(1).default(20_000),
  /** Before the second and the third attempt. */
  retryWaitsMs: z.array(z.number().min(0)).default([3_000, 6_000]),
  /** Null: none, as in a self-hosted Nango without Redis. */
  breaker: breakerSchema.nullable().prefault({}),
  /** Scales the waits and the breaker's times, not the timeout: 0.01 turns 3 s into 30 ms. */
  timeScale: z.number().min(0).default(1),
});
export type DeliverySettings = z.output<typeof deliverySchema>;

const settingsSchema = z.strictObject({
  /** Primary and secondary URL; each gets every webhook. None: nothing is sent. */
  forwardTo: z.array(z.url()).max(2).default([]),
  delivery: deliverySchema.prefault({}),
  /** The switches of Nango's Environment Settings; off by default there. */
  sendOnCreation: z.boolean().default(true),
  sendOnRefreshError: z.boolean().default(true),
  sendOnDeletion: z.boolean().default(true),
  /** API calls per minute; null: no limit. */
  apiLimitPerMinute: z.int().min(1).nullable().default(null),
  /** False: the API key's scope is `environment:connections:read`, answers have `credentials: {}`. */
  apiKeyReadsCredentials: z.boolean().default(true),
});
export type NangoSettingsInput = z.input<typeof settingsSchema>;
type Settings = z.output<typeof settingsSchema>;

/** Settings that can be changed at runtime. Throws a ZodError for an invalid value. */
export interface NangoSettings {
  current(): Settings;
  /** Changes only the given fields, including within `delivery`. */
  change(input: Partial<NangoSettingsInput> | Record<string, unknown>): Settings;
}

export function createNangoSettings(input: NangoSettingsInput): NangoSettings {
  let settings = settingsSchema.parse(input);
  return {
    current: () => settings,
    change: (changes) => {
      const given = z.looseObject({ delivery: z.record(z.string(), z.unknown()).optional() }).parse(changes);
      settings = settingsSchema.parse({ ...settings, ...given, delivery: { ...settings.delivery, ...given.delivery } });
      return settings;
    },
  };
}
