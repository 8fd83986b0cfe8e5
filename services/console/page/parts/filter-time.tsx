import { FilterField } from './filter-field.tsx';
import { absoluteTime } from './since.ts';

interface Props {
  readonly label: string;
  /** As the address has it: absolute, so that a copied link shows the same tomorrow. */
  readonly value: string | undefined;
  readonly onValue: (value: string) => void;
}

/** A time that filters a list: ISO 8601, or how long ago. */
export function FilterTime({ label, value, onValue }: Props) {
  return (
    <FilterField label={label} placeholder="2h, 3d or a time" value={value} onValue={(text) => onValue(absoluteTime(text, new Date()))} />
  );
}
