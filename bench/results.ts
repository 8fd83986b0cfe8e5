import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Machine } from './machine.ts';
import type { ScenarioResult } from './runner.ts';
import type { Summary } from './statistics.ts';

/** How, where and of what a scenario was measured. */
export interface Run {
  readonly machine: Machine;
  /** When the scenario ended, ISO 8601. */
  readonly at: string;
  readonly rounds: number;
  /** It only shows that the scenario works. */
  readonly quick: boolean;
  /** `+changes` when something was not committed that may change figures. */
  readonly commit: string;
}

export type StoredResult = ScenarioResult & Run;

// JSON has no NaN: what could not be measured is written as null.
const numberSchema = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const summarySchema = z.object({ median: numberSchema, min: numberSchema, max: numberSchema, values: z.array(numberSchema) });
// In the order in which they are written: what is kept stays the same, byte by byte.
const resultSchema = z.object({
  name: z.string(),
  title: z.string(),
  contenders: z.array(z.object({ name: z.string(), at: z.number().exactOptional(), figures: z.record(z.string(), summarySchema) })),
  targets: z.array(
    z.object({
      figure: z.string(),
      of: z.string(),
      against: z.string().nullable(),
      bound: z.enum(['at least', 'at most']),
      value: z.number(),
      measured: summarySchema,
      reached: z.boolean(),
    }),
  ),
  machine: z.object({
    name: z.string().exactOptional(),
    cpu: z.string(),
    cores: z.number(),
    memoryGigabytes: z.number(),
    system: z.string(),
    node: z.string(),
  }),
  at: z.iso.datetime(),
  rounds: z.number().int().positive(),
  quick: z.boolean(),
  commit: z.string(),
});
const fileSchema = z.object({ results: z.array(resultSchema) });

/** A figure of one contender; undefined when it was not measured. */
export function figureOf(result: ScenarioResult | undefined, contender: string, figure: string): Summary | undefined {
  return result?.contenders.find(({ name }) => name === contender)?.figures[figure];
}

/** What `writeResults` wrote. Throws when the file cannot be read or holds something else. */
export function readResults(file: string): readonly StoredResult[] {
  const text = readFileSync(file, 'utf8');
  try {
    return fileSchema.parse(JSON.parse(text)).results;
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new Error(`${file} does not hold results of the benchmark: ${reason}`, { cause: error });
  }
}

/** All or nothing: a file that exists is replaced only when the new one is whole. */
export function writeResults(file: string, results: readonly StoredResult[]): void {
  writeFileSync(`${file}.new`, `${JSON.stringify({ results }, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** A scenario that was measured again stands where it stood; a new one comes last. */
export function withResult(results: readonly StoredResult[], result: StoredResult): readonly StoredResult[] {
  const isThere = results.some(({ name }) => name === result.name);
  return isThere ? results.map((one) => (one.name === result.name ? result : one)) : [...results, result];
}

/** The commit that is measured, with `+changes` when code differs from it; `unknown` outside a repository. */
export function commitOf(folder: string): string {
  // What is written between two parts of a long benchmark changes no figure: results, pages, notes.
  const code = ['.', ':(exclude,top)docs', ':(exclude,top,glob)**/*.md'];
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--', ...code) === '' ? '' : '+changes'}`;
  } catch {
    return 'unknown';
  }
}
