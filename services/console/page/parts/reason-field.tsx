import { TextInput } from '@mantine/core';
import { Command } from './copy.tsx';
import { shellWord } from './text.ts';

/** Why something is done, for the audit trail. */
export function ReasonField({ value, onValue }: { readonly value: string; readonly onValue: (value: string) => void }) {
  return (
    <TextInput
      label="Reason"
      description="For the audit trail: a ticket, what was fixed"
      required
      // Not only spaces.
      pattern=".*\S.*"
      maxLength={500}
      autoComplete="off"
      data-autofocus
      value={value}
      onChange={(event) => onValue(event.currentTarget.value)}
    />
  );
}

/** The command that does the same, with the reason as it is typed. */
export function CommandWithReason({ command, reason }: { readonly command: string; readonly reason: string }) {
  const why = reason.trim();
  return <Command text={why === '' ? command : `${command} --reason ${shellWord(why)}`} />;
}

/** A text that must be typed as it is. The browser says so when it is another one. */
export function TypedField({ label, value }: { readonly label: string; readonly value: string }) {
  return <TextInput label={label} required pattern={value} title={value} autoComplete="off" name="typed" />;
}
