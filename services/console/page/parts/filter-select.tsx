import { NativeSelect } from '@mantine/core';

interface Props {
  readonly label: string;
  /** The first, whose value is empty, filters nothing. */
  readonly options: readonly { readonly value: string; readonly label: string }[];
  /** As the address has it. */
  readonly value: string | undefined;
  readonly onValue: (value: string) => void;
}

/** A choice that filters a list. */
export function FilterSelect({ label, options, value = '', onValue }: Props) {
  return (
    <NativeSelect label={label} size="xs" data={[...options]} value={value} onChange={(event) => onValue(event.currentTarget.value)} />
  );
}
