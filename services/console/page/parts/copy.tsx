import { ActionIcon, CopyButton } from '@mantine/core';

/** An icon that copies `value`; `label` says what that is. */
export function Copy({ value, label }: { readonly value: string; readonly label: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <ActionIcon variant="subtle" size="sm" color="gray" onClick={copy} aria-label={copied ? `${label}: copied` : `Copy ${label}`}>
          <CopyIcon isDone={copied} />
        </ActionIcon>
      )}
    </CopyButton>
  );
}

function CopyIcon({ isDone }: { readonly isDone: boolean }) {
  return (
    <svg width={14} height={14} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth={1.5} aria-hidden>
      {isDone ? <path d="M3 8.5 6.5 12 13 4.5" /> : <path d="M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3" />}
    </svg>
  );
}

/** An id, shown and copied whole. */
export function Id({ value, label = 'the id' }: { readonly value: string | null | undefined; readonly label?: string }) {
  if (value === null || value === undefined) return <span className="dim">–</span>;
  return (
    <span className="command">
      <span className="id any">{value}</span>
      <Copy value={value} label={label} />
    </span>
  );
}

/** The command that does the same in a terminal. */
export function Command({ text }: { readonly text: string }) {
  return (
    <span className="command">
      <code>{text}</code>
      <Copy value={text} label="the command" />
    </span>
  );
}
