import type { JsonObject } from '../json.ts';

/** An error response of Notion's API, shaped as on its status codes page. */
export class NotionError extends Error {
  readonly status: number;
  readonly code: string;
  readonly additionalData: JsonObject | null;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    { additionalData = null, headers = {} }: { additionalData?: JsonObject | null; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.additionalData = additionalData;
    this.headers = headers;
  }

  toJson(requestId: string): JsonObject {
    return {
      object: 'error',
      status: this.status,
      code: this.code,
      message: this.message,
      ...(this.additionalData === null ? {} : { additional_data: this.additionalData }),
      request_id: requestId,
    };
  }
}

export function validationError(message: string, additionalData: JsonObject | null = null): NotionError {
  return new NotionError(400, 'validation_error', message, { additionalData });
}

export function objectNotFound(
  kind: 'database' | 'data_source' | 'page' | 'user',
  id: string,
  integrationName: string | null,
): NotionError {
  const shared = 'Make sure the relevant pages and databases are shared with your integration';
  const name = integrationName === null ? '' : ` "${integrationName}"`;
  return new NotionError(404, 'object_not_found', `Could not find ${kind} with ID: ${id}. ${shared}${name}.`);
}

export function rateLimited(reason: string, retryAfterSeconds: number): NotionError {
  return new NotionError(429, 'rate_limited', 'You have been rate limited. Please try again in a few minutes.', {
    additionalData: { rate_limit_reason: reason },
    headers: { 'Retry-After': String(retryAfterSeconds) },
  });
}
