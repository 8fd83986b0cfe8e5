import type { Json, Paged, Time } from './common.ts';

/** `GET /api/dead-letters`: waiting letters by cause, most frequent first, as `mirror dead-letters list --json`. */
export interface DeadLettersAnswer {
  readonly letters: number;
  readonly tenants: number;
  readonly causes: readonly LetterCause[];
}

export interface LetterCause {
  readonly class: string;
  readonly code: string;
  readonly service: string;
  readonly count: number;
  readonly settled: number;
  readonly oldest: Time;
  readonly newest: Time;
  /** Of the newest. */
  readonly message: string;
  readonly tenants: number;
}

/** `GET /api/dead-letters/letters?class&code&service&tenant&since&settled&cursor`, newest first, 100 on a page. `settled=1`: settled ones, too. */
export interface LettersAnswer extends Paged {
  readonly letters: readonly LetterLine[];
}

export interface LetterLine {
  /** `partition:offset`. */
  readonly ref: string;
  readonly class: string;
  readonly code: string;
  readonly message: string;
  readonly service: string;
  readonly attempts: number | null;
  readonly firstFailedAt: Time | null;
  readonly failedAt: Time;
  readonly workspaceId: string | null;
  readonly eventId: string | null;
  readonly eventType: string | null;
  /** `nango`, `notion`: an unreadable webhook, by its route. */
  readonly route: string | null;
  readonly redrives: number;
  readonly settled: { readonly action: string; readonly at: Time } | null;
}

/** `GET /api/dead-letters/:partition/:offset`, as `mirror dead-letters show --json`. */
export interface LetterAnswer {
  readonly letter: LetterLine & {
    readonly headers: Readonly<Record<string, string>>;
    readonly value: {
      readonly bytes: number | null;
      readonly event: Json;
      readonly problem: string | null;
      /** Masked; null: there is none, or it is hidden. */
      readonly preview: { readonly text: string; readonly hex: string | null; readonly isCut: boolean } | null;
    };
  };
}
