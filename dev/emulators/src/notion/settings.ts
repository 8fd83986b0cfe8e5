import { z } from 'zod';
import { announceSchema } from './announcer.ts';
import { deliverySchema } from './delivery.ts';
import { rateLimitSchema } from './rate-limit.ts';

const settingsSchema = z.strictObject({
  delivery: deliverySchema.prefault({}),
  announce: announceSchema.prefault({}),
  rateLimit: rateLimitSchema.prefault({}),
});
const changeSchema = z.strictObject({
  delivery: deliverySchema.partial().optional(),
  announce: announceSchema.partial().optional(),
  rateLimit: rateLimitSchema.partial().optional(),
});
type Settings = z.output<typeof settingsSchema>;
export type SettingsInput = {
  readonly [Group in keyof Settings]?: Partial<z.input<(typeof settingsSchema)['shape'][Group]>> | undefined;
};

/** What can be changed while the emulator runs. Both functions throw a ZodError for a value that is none. */
export interface NotionSettings {
  current(): Settings;
  /** Changes only what is given. */
  change(input: SettingsInput | Record<string, unknown>): Settings;
}

export function createNotionSettings(input: SettingsInput): NotionSettings {
  let settings = settingsSchema.parse(input);
  return {
    current: () => settings,
    change: (changes) => {
      // Checked first as they came: a default must not fill what was not given.
      changeSchema.parse(changes);
      const given = z.looseObject({ delivery: part, announce: part, rateLimit: part }).parse(changes);
      settings = settingsSchema.parse({
        delivery: { ...settings.delivery, ...given.delivery },
        announce: { ...settings.announce, ...given.announce },
        rateLimit: { ...settings.rateLimit, ...given.rateLimit },
      });
      return settings;
    },
  };
}

const part = z.record(z.string(), z.unknown()).optional();
