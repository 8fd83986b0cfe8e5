import { TextInput } from '@mantine/core';

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

/** A text that must be typed as it is. The browser says so when it is another one. */
export function TypedField({ label, value }: { readonly label: string; readonly value: string }) {
  return <TextInput label={label} required pattern={value} title={value} autoComplete="off" name="typed" />;
}
