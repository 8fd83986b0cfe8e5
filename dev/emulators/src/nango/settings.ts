import { z } from 'zod';
import { breakerSchema } from './breaker.ts';

/** How webhooks reach the receiver. */
export const deliverySchema = z.strictObject({
  timeoutMs: z.number().min(1).default(20_000),
  /** Before the second and the third attempt. */
  retryWaitsMs: z.array(z.number().min(0)).default([3_000, 6_000]),
  /** Null: none, as in a Nango of one's own without Redis. */
  breaker: breakerSchema.nullable().prefault({}),
  /** Shortens the waits and the breaker's times, not the timeout: 0.01 makes 3 s 30 ms. */
  timeScale: z.number().min(0).default(1),
});
export type DeliverySettings = z.output<typeof deliverySchema>;

const settingsSchema = z.strictObject({
  /** Primary and secondary URL; each gets every webhook. None: nothing is sent. */
  forwardTo: z.array(z.url()).max(2).default([]),
  delivery: deliverySchema.prefault({}),
  /** The switches of Nango's Environment Settings, where they are off by default. */
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

/** What can be changed while the emulator runs; throws a ZodError for a value that is none. */
export interface NangoSettings {
  current(): Settings;
  /** Changes only what is given; `delivery` too field by field. */
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
