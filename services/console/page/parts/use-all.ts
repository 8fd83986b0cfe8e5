import type { InfiniteData } from '@tanstack/react-query';
import { useMemo } from 'react';

/** The lines of all loaded pages; the same array until another page is loaded. `linesOf` must not depend on anything else. */
export function useAll<Page, Line>(data: InfiniteData<Page> | undefined, linesOf: (page: Page) => readonly Line[]): readonly Line[] {
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  return useMemo(() => data?.pages.flatMap(linesOf) ?? [], [data]);
}
