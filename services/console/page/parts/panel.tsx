import { Group, Loader, Stack, Text, Title } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Failure } from './failure.tsx';
import { Age } from './time.tsx';

interface PanelProps<T> {
  readonly title: string;
  readonly query: UseQueryResult<T>;
  readonly children: (data: T) => ReactNode;
  readonly right?: ReactNode;
  /** The page shows it once, for all panels of the same request. */
  readonly hasFailureElsewhere?: boolean;
}

/** One request and what it shows, with its age. It waits and fails alone: an older answer stays in sight. */
export function Panel<T>({ title, query, children, right, hasFailureElsewhere = false }: PanelProps<T>) {
  return (
    <Stack gap="xs" component="section" mb="lg">
      <Group justify="space-between">
        <Title order={2}>{title}</Title>
        <Group gap="sm">
          {right}
          {query.data === undefined ? null : (
            <Text size="xs" c="dimmed">
              <Age at={query.dataUpdatedAt} />
            </Text>
          )}
        </Group>
      </Group>
      {hasFailureElsewhere ? query.data === undefined ? null : children(query.data) : <Answer query={query}>{children}</Answer>}
    </Stack>
  );
}

/** The body of a panel, for pages that are one panel. */
export function Answer<T>({ query, children }: Pick<PanelProps<T>, 'query' | 'children'>) {
  return (
    <>
      {query.isError ? <Failure error={query.error} onRetry={() => void query.refetch()} /> : null}
      {query.data === undefined ? query.isPending ? <Waiting /> : null : children(query.data)}
    </>
  );
}

export function Waiting() {
  return (
    <Group gap="xs" role="status">
      <Loader size="xs" aria-hidden />
      <Text size="sm" c="dimmed">
        Asking…
      </Text>
    </Group>
  );
}
