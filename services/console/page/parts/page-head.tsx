import { Group, Stack, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { Command } from './copy.tsx';

interface Head {
  readonly title: string;
  /** The command that shows the same. */
  readonly command: string | null;
  readonly children?: ReactNode;
}

/** The one h1 of a page, and the document's title. `children`: what can be done here. */
export function PageHead({ title, command, children }: Head) {
  useDocumentTitle(`${title} · notion-mirror`);
  return (
    <Stack gap={2} mb="md" component="header">
      <Group justify="space-between">
        <Title order={1} tabIndex={-1} className="any">
          {title}
        </Title>
        {children === undefined ? null : <Group gap="xs">{children}</Group>}
      </Group>
      {command === null ? null : <Command text={command} />}
    </Stack>
  );
}
