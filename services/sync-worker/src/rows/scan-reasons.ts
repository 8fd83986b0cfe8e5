import type { TruncatedMinute } from '@notion-mirror/domain/row-scan';
import type { ScanNotes } from './scan-notes.ts';

/** Pages named in a reason. */
const mostNamed = 5;

/** Why a scan that read to its end does not know all rows, in an operator's words; null: it does. `held`: rows in the mirror. */
export function whyIncomplete(
  truncated: readonly TruncatedMinute[],
  notes: Pick<ScanNotes, 'unreadable' | 'failed' | 'mayRemove'>,
  source: { readonly dataSourceId: string; readonly held: number },
): string | null {
  const reasons = [
    ...(notes.mayRemove() ? [] : [tooManyUnreadable(notes.unreadable.size, source)]),
    ...(notes.failed.size === 0 ? [] : [notWritten(notes.failed)]),
    ...(truncated.length === 0 ? [] : [tooManyAtOnce(truncated)]),
  ];
  return reasons.length === 0 ? null : reasons.join('; ');
}

function tooManyUnreadable(unreadable: number, { dataSourceId, held }: { readonly dataSourceId: string; readonly held: number }): string {
  return (
    `at least ${unreadable} of ${held} rows answer 404 to every connection, and nothing was removed because of that: ` +
    `share them with the integration again, or accept their removal (mirror rows scan ${dataSourceId} --accept-removals)`
  );
}

function notWritten(failed: ReadonlyMap<string, string>): string {
  const named = [...failed].slice(0, mostNamed);
  const rest = failed.size > named.length ? `, and ${failed.size - named.length} more` : '';
  const pages = named.map(([pageId, because]) => `${pageId} (${because})`).join(', ');
  return `${failed.size === 1 ? 'a row was' : `${failed.size} rows were`} not written: ${pages}${rest}`;
}

function tooManyAtOnce(truncated: readonly TruncatedMinute[]): string {
  const minutes = truncated.slice(0, mostNamed).map(({ minute, partition }) => {
    const at = `${new Date(minute).toISOString().slice(0, 16)}Z`;
    return partition === 'live' ? at : `${at} (archived)`;
  });
  const rest = truncated.length > minutes.length ? `, and ${truncated.length - minutes.length} more` : '';
  return `more rows were created in one minute than Notion returns; some are unknown: ${minutes.join(', ')}${rest}`;
}
