import { z } from 'zod';
import { announceSchema } from './announcer.ts';
import { deliverySchema } from './delivery.ts';
import { rateLimitSchema } from './rate-limit.ts';
import { rowSettingsSchema } from './row-settings.ts';

const settingsSchema = z.strictObject({
  delivery: deliverySchema.prefault({}),
  announce: announceSchema.prefault({}),
  rateLimit: rateLimitSchema.prefault({}),
  rows: rowSettingsSchema.prefault({}),
});
const changeSchema = z.strictObject({
  delivery: deliverySchema.partial().optional(),
  announce: announceSchema.partial().optional(),
  rateLimit: rateLimitSchema.partial().optional(),
  rows: rowSettingsSchema.partial().optional(),
});
type Settings = z.output<typeof settingsSchema>;
export type SettingsInput = {
  readonly [Group in keyof Settings]?: Partial<z.input<(typeof settingsSchema)['shape'][Group]>> | undefined;
};

/** Settings that can be changed at runtime. Both functions throw a ZodError for an invalid value. */
export interface NotionSettings {
  current(): Settings;
  /** Changes only the given fields. */
  change(input: SettingsInput | Record<string, unknown>): Settings;
}

export function createNotionSettings(input: SettingsInput): NotionSettings {
  let settings = settingsSchema.parse(input);
  return {
    current: () => settings,
    change: (changes) => {
      // Validated unmerged first, so that defaults do not fill missing fields.
      changeSchema.parse(changes);
      const given = z.looseObject({ delivery: part, announce: part, rateLimit: part, rows: part }).parse(changes);
      settings = settingsSchema.parse({
        delivery: { ...settings.delivery, ...given.delivery },
        announce: { ...settings.announce, ...given.announce },
        rateLimit: { ...settings.rateLimit, ...given.rateLimit },
        rows: { ...settings.rows, ...given.rows },
      });
      return settings;
    },
  };
}

const part = z.record(z.string(), z.unknown()).optional();
