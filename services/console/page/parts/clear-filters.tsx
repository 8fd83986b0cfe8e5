import { Button } from '@mantine/core';

/** Drops the filters of a list; nothing where there are none. */
export function ClearFilters({ isFiltered, onClear }: { readonly isFiltered: boolean; readonly onClear: () => void }) {
  if (!isFiltered) return null;
  return (
    <Button variant="default" size="xs" onClick={onClear}>
      Clear
    </Button>
  );
}
