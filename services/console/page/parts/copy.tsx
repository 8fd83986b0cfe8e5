import { ActionIcon, CopyButton } from '@mantine/core';

/** An icon that copies `value`; `label` says what that is. */
export function Copy({ value, label }: { readonly value: string; readonly label: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <ActionIcon variant="subtle" size="sm" color="gray" onClick={copy} aria-label={copied ? `${label}: copied` : `Copy ${label}`}>
          <span aria-hidden>{copied ? '✓' : '⧉'}</span>
        </ActionIcon>
      )}
    </CopyButton>
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
