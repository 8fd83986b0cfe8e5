import { parseArgs } from 'node:util';
import { z } from 'zod';

const port = z.coerce.number().int().min(0).max(65_535);
const json = z.string().transform((text, context): Record<string, unknown> => {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is not a JSON object: ${String(error)}`, input: text });
    return z.NEVER;
  }
});
const names = z.string().transform((text) =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== ''),
);

/** Every option of the process: its flag, its variable, its purpose. */
export const processOptions = {
  host: { variable: 'EMULATOR_HOST', schema: z.string().default('127.0.0.1'), doc: 'address to listen on; 0.0.0.0 in a container' },
  'notion-port': { variable: 'NOTION_EMULATOR_PORT', schema: port.default(4010), doc: "Notion's API and its control API" },
  'nango-port': { variable: 'NANGO_EMULATOR_PORT', schema: port.default(4011), doc: "Nango's API, webhook path and control API" },
  'forward-to': { variable: 'EMULATOR_FORWARD_TO', schema: z.url().optional(), doc: 'where Nango sends its webhooks; default: nowhere' },
  'direct-to': { variable: 'EMULATOR_DIRECT_TO', schema: z.url().optional(), doc: 'where Notion sends its webhooks instead of to Nango' },
  'api-key': {
    variable: 'NANGO_EMULATOR_API_KEY',
    schema: z.string().min(1).optional(),
    doc: "Nango's API key; default: random, printed at start",
  },
  'signing-key': {
    variable: 'NANGO_EMULATOR_SIGNING_KEY',
    schema: z.string().min(1).optional(),
    doc: "Nango's webhook signing key; default: random, printed at start",
  },
  seed: { variable: 'EMULATOR_SEED', schema: z.string().min(1).optional(), doc: 'the same seed gives the same ids and tokens' },
  customers: {
    variable: 'EMULATOR_CUSTOMERS',
    schema: names.prefault(''),
    doc: 'comma-separated names: workspaces created at start, each with a connection of that name',
  },
  'life-interval-ms': {
    variable: 'EMULATOR_LIFE_INTERVAL_MS',
    schema: z.coerce.number().int().min(0).default(0),
    doc: 'how often the customers change something; 0: never',
  },
  'life-row-share': {
    variable: 'EMULATOR_LIFE_ROW_SHARE',
    schema: z.coerce.number().min(0).max(1).default(0),
    doc: 'how much of what they change is rows: 0 to 1',
  },
  'notion-settings': {
    variable: 'NOTION_EMULATOR_SETTINGS',
    schema: json.prefault('{}'),
    doc: 'JSON: {"delivery":{…},"announce":{…},"rateLimit":{…},"rows":{…}}',
  },
  'nango-settings': { variable: 'NANGO_EMULATOR_SETTINGS', schema: json.prefault('{}'), doc: 'JSON: {"delivery":{…},…}' },
} as const;

type Name = keyof typeof processOptions;
export type ProcessOptions = { readonly [Option in Name]: z.output<(typeof processOptions)[Option]['schema']> };

/** Flags first, then variables, then defaults. Throws an Error that names every problem; an empty variable counts as unset. */
export function readProcessOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>): ProcessOptions {
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries(Object.keys(processOptions).map((name) => [name, { type: 'string' as const }])),
  });
  const given = Object.fromEntries(
    Object.entries(processOptions).map(([name, { variable }]) => [
      name,
      values[name] ?? (env[variable] === '' ? undefined : env[variable]),
    ]),
  );
  const shape = Object.fromEntries(Object.entries(processOptions).map(([name, { schema }]) => [name, schema]));
  const parsed = z.object(shape).safeParse(given);
  if (parsed.success) return parsed.data as ProcessOptions;
  const complaints = parsed.error.issues.map(({ path: [name], message }) => {
    const option = Object.entries(processOptions).find(([each]) => each === name)?.[1];
    return `--${String(name)} (${option?.variable ?? ''}): ${message}`;
  });
  throw new Error(complaints.join('\n'));
}
