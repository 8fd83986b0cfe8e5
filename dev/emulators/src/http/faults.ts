import { z } from 'zod';
import type { Random } from '../random.ts';

export const faultSchema = z.strictObject({
  /**
   * The server's behaviour instead of a normal response. Statuses carry the server's own error shape: `rate_limited` 429,
   * `request_blocked` 429 with reason `public_api_request_blocked`, `service_overload` 529, `service_unavailable` 503,
   * `internal_server_error` 500, `bad_gateway` 502 with an HTML page, `gateway_timeout` 504, `conflict_error` 409,
   * `restricted_resource` 403, `unauthorized` 401 (a dead token). `latency` waits `latencyMs`, then continues; `hang` never answers;
   * `connection_reset` breaks the connection; `truncated_body` sends half of the right response, then breaks it; `malformed_json` answers
   * 200 with truncated JSON. `answer` answers `status` with `body`; `repeated_cursor` returns the right page of a list, but with the request's
   * cursor instead of the next.
   */
  kind: z.enum([
    'rate_limited',
    'request_blocked',
    'service_overload',
    'service_unavailable',
    'internal_server_error',
    'bad_gateway',
    'gateway_timeout',
    'conflict_error',
    'restricted_resource',
    'unauthorized',
    'latency',
    'hang',
    'connection_reset',
    'truncated_body',
    'malformed_json',
    'answer',
    'repeated_cursor',
  ]),
  /** Only requests with this bearer token. */
  token: z.string().optional(),
  /** Only requests whose token belongs to this workspace (Notion). */
  workspaceId: z.string().optional(),
  method: z
    .string()
    .transform((method) => method.toUpperCase())
    .optional(),
  /** Only this path, without the query; `*` matches any text: `/v1/databases/*`. */
  path: z.string().optional(),
  /** Only list requests with a page size over this. */
  pageSizeOver: z.int().min(0).optional(),
  /** Only list requests with a cursor (true), or without one (false). */
  withCursor: z.boolean().optional(),
  /** For `answer`: the status (default 200) and the JSON body (default `{}`). `{id}` in its strings is replaced by the last path segment. */
  status: z.int().min(200).max(599).optional(),
  body: z.json().optional(),
  /** Lets this many matching requests through first. */
  skip: z.int().min(0).optional(),
  /** How often it fires before it is removed. Default: until cleared. */
  count: z.int().min(1).optional(),
  /** Of hitting each matching request, 0..1. Default 1. */
  probability: z.number().min(0).max(1).optional(),
  retryAfterSeconds: z.int().min(0).optional(),
  /** For `rate_limited`. Default `public_api_request_rate_limit`. */
  rateLimitReason: z.string().optional(),
  latencyMs: z.int().min(0).optional(),
});

export type FaultInput = z.input<typeof faultSchema>;
type Fault = z.output<typeof faultSchema>;
export type FaultKind = Fault['kind'];

export interface ActiveFault extends Fault {
  readonly id: string;
  /** Requests that matched, and those that were hit. */
  readonly matched: number;
  readonly fired: number;
}

/** The parts of a request that a fault can match. */
export interface RequestFacts {
  readonly token: string | null;
  readonly workspaceId: string | null;
  readonly method: string;
  readonly path: string;
  /** For a list request. */
  readonly paging?: { readonly cursor: string | null; readonly pageSize: number } | undefined;
}

export interface FaultKit {
  /** Throws a ZodError for an invalid fault. */
  inject(fault: FaultInput): ActiveFault;
  /** Faults that can still fire, oldest first. */
  list(): readonly ActiveFault[];
  /** Clears one fault, or all without an id. */
  clear(id?: string): void;
  /** The faults that hit this request, in order: any number of `latency`, then at most one other. */
  hits(request: RequestFacts): readonly ActiveFault[];
}

export function createFaultKit(random: Random): FaultKit {
  let faults: { fault: Fault; id: string; matched: number; fired: number }[] = [];
  let injected = 0;
  const view = ({ fault, ...rest }: (typeof faults)[number]): ActiveFault => ({ ...fault, ...rest });
  return {
    inject: (input) => {
      injected += 1;
      const entry = { fault: faultSchema.parse(input), id: `fault-${injected}`, matched: 0, fired: 0 };
      faults.push(entry);
      return view(entry);
    },
    list: () => faults.map(view),
    clear: (id) => {
      faults = id === undefined ? [] : faults.filter((entry) => entry.id !== id);
    },
    hits: (request) => {
      const hits: ActiveFault[] = [];
      for (const entry of faults) {
        if (!matches(entry.fault, request)) continue;
        entry.matched += 1;
        if (entry.matched <= (entry.fault.skip ?? 0)) continue;
        if (!random.chance(entry.fault.probability ?? 1)) continue;
        entry.fired += 1;
        hits.push(view(entry));
        if (entry.fault.kind !== 'latency') break;
      }
      faults = faults.filter(({ fault, fired }) => fired < (fault.count ?? Infinity));
      return hits;
    },
  };
}

function matches(fault: Fault, request: RequestFacts): boolean {
  if (fault.token !== undefined && fault.token !== request.token) return false;
  if (fault.workspaceId !== undefined && fault.workspaceId !== request.workspaceId) return false;
  if (fault.method !== undefined && fault.method !== request.method) return false;
  if (fault.pageSizeOver !== undefined && (request.paging?.pageSize ?? 0) <= fault.pageSizeOver) return false;
  if (fault.withCursor !== undefined && ((request.paging?.cursor ?? null) !== null) !== fault.withCursor) return false;
  return fault.path === undefined || pathPattern(fault.path).test(request.path);
}

function literal(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

function pathPattern(path: string): RegExp {
  return new RegExp(`^${path.split('*').map(literal).join('.*')}$`);
}
