import type { JsonObject } from '../json.ts';

/** An error response of Nango's API: `{"error":{"code","message"?,...}}`. */
export class NangoError extends Error {
  readonly status: number;
  private readonly code: string;
  private readonly shown: JsonObject;

  constructor(status: number, code: string, message: string | null, extra: JsonObject = {}) {
    super(message ?? code);
    this.status = status;
    this.code = code;
    this.shown = { ...(message === null ? {} : { message }), ...extra };
  }

  toJson(): JsonObject {
    return { error: { code: this.code, ...this.shown } };
  }
}
