import type { Cause } from '@notion-mirror/operations/dead-letters/causes';
import { oneLine } from '@notion-mirror/operations/text';
import { minute, table, type Cell, type Colors } from './output.ts';

export function renderCauses(causes: readonly Cause[], colors: Colors, redact: (text: string) => string): string {
  const header = ['LETTERS', 'CAUSE', 'SERVICE', 'TENANTS', 'OLDEST', 'NEWEST', 'E.G.'].map((text) => ({ text, style: colors.dim }));
  const rows = causes.map(({ count, settled, service, tenants, oldest, newest, message, ...cause }): Cell[] => [
    settled === 0 ? String(count) : `${count} (${settled} settled)`,
    { text: causeName(cause), style: colors.red },
    oneLine(service),
    String(tenants.size),
    minute(oldest),
    minute(newest),
    oneLine(clip(redact(message))),
  ]);
  return table([header, ...rows]);
}

export function causeName(cause: { readonly class: string; readonly code: string }): string {
  return oneLine(`${cause.class}/${cause.code}`);
}

export function clip(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}…`;
}
