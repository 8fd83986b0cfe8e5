/** `GET /api/doctor` (SSE). Events by name: `checks` (`DoctorAnswer`), `failed` (an `ErrorAnswer`), `done` (`{}`). One run at a time serves all viewers. */
export interface DoctorAnswer {
  readonly problems: number;
  readonly warnings: number;
  readonly checks: readonly Check[];
}

/** As `mirror doctor --json`. */
export interface Check {
  /** Stable. */
  readonly id: string;
  readonly area: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  readonly remedy: string | null;
}

/** `GET /api/config`, as `mirror config check --json`, of the console's own environment. Secrets are never shown. */
export interface ConfigAnswer {
  readonly settings: readonly {
    readonly variable: string;
    readonly origin: 'default' | 'environment' | 'file' | 'missing';
    readonly shown: string;
  }[];
  readonly problems: readonly { readonly variable: string; readonly problem: string; readonly expected: string }[];
  /** Variables with our prefix that no service reads. */
  readonly unknown: readonly string[];
  readonly advice: readonly { readonly text: string; readonly remedy: string }[];
}
