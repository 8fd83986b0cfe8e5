import { Button, Group, Text } from '@mantine/core';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';

/** The next page of a list. `note`: how much of it was searched. */
export function More<T>({ list, note }: { readonly list: UseInfiniteQueryResult<InfiniteData<T>>; readonly note?: ReactNode }) {
  if (!list.hasNextPage && note === undefined) return null;
  return (
    <Group gap="sm" mt="xs">
      {list.hasNextPage ? (
        <Button variant="default" size="compact-md" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          Show more
        </Button>
      ) : null}
      {note === undefined ? null : (
        <Text size="sm" c="dimmed">
          {note}
        </Text>
      )}
    </Group>
  );
}
