import type { Cause } from '../../src/answers/explain.ts';
import { PageLink } from './link.tsx';

const tabs: Readonly<Record<string, readonly ['connections' | 'sweeps', string]>> = {
  connection_paused: ['connections', 'Its connections'],
  connection_unauthorized: ['connections', 'Its connections'],
  connection_deleted: ['connections', 'Its connections'],
  parked: ['connections', 'Its connections'],
  no_event: ['sweeps', 'Compare its tenant'],
  no_record: ['sweeps', 'Compare its tenant'],
  stale: ['sweeps', 'Compare its tenant'],
};

/** Where the console can do what the remedy says; nothing where only the command can. */
export function CauseLink({ cause: { code, workspaceId, text } }: { readonly cause: Cause }) {
  const [, partition, offset] = /\bdead letter (\d+):(\d+)/.exec(text) ?? [];
  if (partition !== undefined && offset !== undefined) {
    return (
      <PageLink to="/dead-letters/$partition/$offset" params={{ partition, offset }}>
        The dead letter
      </PageLink>
    );
  }
  const [tab, label] = tabs[code] ?? [];
  if (workspaceId === null || tab === undefined) return null;
  return (
    <PageLink to="/t/$tenant" params={{ tenant: workspaceId }} search={{ tab }}>
      {label}
    </PageLink>
  );
}
