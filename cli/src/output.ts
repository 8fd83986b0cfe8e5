import { once } from 'node:events';
import { Writable } from 'node:stream';
import pc from 'picocolors';
import type { JsonObject } from '@notion-mirror/domain/database-content';

/** A stream to print to: process.stdout, or a test's array. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

export type Colors = ReturnType<typeof pc.createColors>;

export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | null;
}

/** A command's output: its single result on stdout, human-readable or as one JSON object; everything else on stderr. */
export interface Output {
  readonly isJson: boolean;
  /** The result, once per run. `ok`: whether the exit code will be 0. */
  result(ok: boolean, json: JsonObject, human: (colors: Colors) => string): void;
  /** A result of any length, line by line, instead of `result`. */
  stream(lines: AsyncIterable<string>): Promise<void>;
  /** Progress, or a remark on the result. */
  note(text: string): void;
  /** The plan that the operator is asked to confirm, on stderr. */
  plan(human: (colors: Colors) => string): void;
  warning(text: string): void;
  /** A failed part of the result, on stderr. */
  failure(message: string, remedy: string | null): void;
  /** An error instead of a result: on stderr, and with `--json` on stdout too. */
  error(error: ErrorReport): void;
}

export function createOutput(options: {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly isJson: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Output {
  const { stdout, stderr, isJson, env } = options;
  const outColors = pc.createColors(wantsColor(stdout, env));
  const errColors = pc.createColors(wantsColor(stderr, env));
  const line = (sink: Sink, text: string) => sink.write(text.endsWith('\n') ? text : `${text}\n`);
  const failure = (message: string, remedy: string | null) => {
    line(stderr, `${errColors.red('error')} ${message}`);
    if (remedy !== null) line(stderr, `  ${errColors.cyan('→')} ${remedy}`);
  };
  return {
    isJson,
    failure,
    result(ok, json, human) {
      line(stdout, isJson ? JSON.stringify({ ok, ...json }) : human(outColors));
    },
    async stream(lines) {
      for await (const text of lines) {
        line(stdout, text);
        if (stdout instanceof Writable && stdout.writableNeedDrain) await once(stdout, 'drain');
      }
    },
    note(text) {
      line(stderr, errColors.dim(text));
    },
    plan(human) {
      line(stderr, human(errColors));
    },
    warning(text) {
      line(stderr, `${errColors.yellow('warning')} ${text}`);
    },
    error(error) {
      if (isJson) line(stdout, JSON.stringify({ ok: false, error: { ...error } }));
      failure(error.message, error.remedy);
    },
  };
}

/** Colour only on a terminal, and only if not declined (https://no-color.org). */
function wantsColor(sink: Sink, env: Readonly<Record<string, string | undefined>>): boolean {
  return sink.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** A time to the minute, in UTC. */
export function minute(time: Date): string {
  return time.toISOString().slice(0, 16).replace('T', ' ');
}

/** Columns as wide as their widest cell. Styles are applied after measuring. */
export function table(rows: readonly (readonly Cell[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell)));
  const widths = cells.reduce<number[]>((widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, width(cell.text))), []);
  return cells
    .map((row) =>
      row
        .map(({ text, style }, column) => {
          const padding = column === row.length - 1 ? '' : ' '.repeat((widths[column] ?? 0) - width(text));
          return `${style === undefined ? text : style(text)}${padding}`;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export type Cell = string | { readonly text: string; readonly style?: ((text: string) => string) | undefined };

/** In code points: correct except for wide and combining characters, which ids do not have. */
function width(text: string): number {
  return Array.from(text).length;
}
