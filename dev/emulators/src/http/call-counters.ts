/** Calls of one token to one endpoint. `endpoint`: method and path with every id as `:id`. */
export interface CallCount {
  readonly token: string | null;
  readonly endpoint: string;
  readonly calls: number;
  /** By response status; `reset` for a broken connection. A call without a response yet is only in `calls`. */
  readonly statuses: Readonly<Record<string, number>>;
}

export interface CallRecord {
  readonly at: number;
  readonly token: string | null;
  readonly method: string;
  readonly path: string;
  readonly status: number | 'reset' | null;
}

export interface CallCounters {
  /** Counts a call. Pass its result to the returned function. */
  begin(call: { at: number; token: string | null; method: string; path: string }): (status: number | 'reset') => void;
  counts(filter?: { token?: string | undefined }): readonly CallCount[];
  /** The last 10,000 calls, oldest first. */
  recent(): readonly CallRecord[];
  reset(): void;
}

const remembered = 10_000;
const anId = /[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}/gi;

export function createCallCounters(): CallCounters {
  const counts = new Map<string, { token: string | null; endpoint: string; calls: number; statuses: Record<string, number> }>();
  let recent: { at: number; token: string | null; method: string; path: string; status: number | 'reset' | null }[] = [];
  return {
    begin: (call) => {
      const endpoint = `${call.method} ${call.path.replaceAll(anId, ':id')}`;
      const key = JSON.stringify([call.token, endpoint]);
      const count = counts.get(key) ?? { token: call.token, endpoint, calls: 0, statuses: {} };
      counts.set(key, count);
      count.calls += 1;
      const record: (typeof recent)[number] = { ...call, status: null };
      recent.push(record);
      if (recent.length > remembered * 1.1) recent = recent.slice(-remembered);
      return (status) => {
        record.status = status;
        count.statuses[status] = (count.statuses[status] ?? 0) + 1;
      };
    },
    counts: ({ token } = {}) =>
      [...counts.values()]
        .filter((count) => token === undefined || count.token === token)
        .map((count) => ({ ...count, statuses: { ...count.statuses } })),
    recent: () => recent.slice(-remembered),
    reset: () => {
      counts.clear();
      recent = [];
    },
  };
}
