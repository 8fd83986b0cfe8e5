import { isSampled, sampled } from '@notion-mirror/service-kit/tracing/trace-context';
import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';

/** The trace of a scan or sweep that is wanted. If the flood (`handledIn`: its context) is sampled, so is what its events lead to. */
export function newWantedTrace(tracing: Pick<Tracing, 'newTrace'>, handledIn: string | undefined): string {
  const trace = tracing.newTrace();
  return isSampled(handledIn) ? sampled(trace) : trace;
}

/**
 * Makes the first span of the trace that a scan or sweep will belong to, when it is wanted. Links only point back, so the events that are left to it
 * get that trace now, and it follows later. `handledIn`: the context of the flood.
 */
export function startWantedTrace(
  tracing: Pick<Tracing, 'root'>,
  name: 'want scan' | 'want sweep',
  trace: string,
  about: { readonly workspaceId: string; readonly dataSourceId?: string; readonly handledIn: string | undefined },
): void {
  const { workspaceId, dataSourceId, handledIn } = about;
  const attributes = { 'notion_mirror.workspace_id': workspaceId, 'notion_mirror.data_source_id': dataSourceId };
  const links = handledIn === undefined ? [] : [{ trace: handledIn }];
  tracing.root(trace, { name, kind: 'internal', attributes, links })?.end();
}
