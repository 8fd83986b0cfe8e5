import type { Tracing } from '@notion-mirror/service-kit/tracing/tracing';

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
