import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useEffect, useRef } from 'react';

interface Props {
  readonly label: string;
  /** As the address has it. */
  readonly value: string | undefined;
  /** Called a moment after the last key; an empty text is no filter. */
  readonly onValue: (value: string) => void;
  readonly placeholder?: string;
  readonly w?: string;
}

/** A text that filters a list. It follows the address, but for the time that it has the focus: what is being typed stays. */
export function FilterField({ label, value = '', onValue, placeholder, w }: Props) {
  const field = useRef<HTMLInputElement>(null);
  const later = useDebouncedCallback(onValue, 300);
  useEffect(() => {
    if (field.current !== null && document.activeElement !== field.current) field.current.value = value;
  }, [value]);
  return (
    <TextInput
      ref={field}
      label={label}
      size="xs"
      defaultValue={value}
      onChange={(event) => later(event.currentTarget.value)}
      {...(placeholder === undefined ? {} : { placeholder })}
      {...(w === undefined ? {} : { w })}
    />
  );
}
