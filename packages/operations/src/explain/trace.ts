import type { EventOutcome } from '@notion-mirror/mirror-store/event-outcomes';

/** `url`: where to look at it; null: no such place is configured, or the trace is not there. */
export interface TraceFacts {
  readonly traceId: string;
  readonly isSampled: boolean;
  readonly url: string | null;
}

/** The trace of an outcome; null: an earlier version has stored it. `template`: of the URL, with `{traceId}`. */
export function traceOf(
  { trace_id: traceId, trace_flags: flags, outcome }: Pick<EventOutcome, 'trace_id' | 'trace_flags' | 'outcome'>,
  template: string | undefined,
): TraceFacts | null {
  if (traceId === undefined) return null;
  const isSampled = flags === '01';
  // Of an event that became a dead letter the last spans are exported in any case.
  const isThere = isSampled || outcome === 'dead_letter';
  return { traceId, isSampled, url: template === undefined || !isThere ? null : template.replaceAll('{traceId}', traceId) };
}

/** The trace of the scan or sweep that a deferred event was left to; null: it was not, or an earlier version has stored it. */
export function scanTraceOf(
  { scan_trace_id: traceId, scan_trace_flags: flags }: Pick<EventOutcome, 'scan_trace_id' | 'scan_trace_flags'>,
  template: string | undefined,
): TraceFacts | null {
  return traceId === undefined || flags === undefined
    ? null
    : traceOf({ trace_id: traceId, trace_flags: flags, outcome: 'scanned' }, template);
}

/** For a person. */
export function traceText({ traceId, isSampled, url }: TraceFacts): string {
  return `trace ${traceId}${isSampled ? '' : ' (not sampled)'}${url === null ? '' : `: ${url}`}`;
}
