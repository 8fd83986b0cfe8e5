import { Alert, Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { Link, type ErrorComponentProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ConsoleError } from '../console-error.ts';
import { Command } from './copy.tsx';
import { PageHead } from './page-head.tsx';

interface FailureProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
  /** Label of the button for `onRetry`. */
  readonly retry?: string;
}

/** What failed, in the words of the server, and what to do about it. */
export function Failure({ error, onRetry, retry = 'Try again' }: FailureProps) {
  const { code, message, remedy } = ConsoleError.of(error);
  return (
    <Alert color="red" variant="outline" title={message} role="alert">
      <Stack gap="xs">
        {remedy === null ? null : <Text size="sm">{remedy}</Text>}
        <Group gap="sm">
          <span className="mono dim">{code}</span>
          {onRetry === undefined ? null : (
            <Button size="compact-sm" variant="default" onClick={onRetry}>
              {retry}
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}

/** A page that cannot be drawn at all. */
export function Failed({ error, reset }: ErrorComponentProps): ReactNode {
  const isUnavailable = ConsoleError.of(error).code === 'page_unavailable';
  return (
    <>
      <PageHead title="This page failed" command={null} />
      {isUnavailable ? (
        <Failure error={error} onRetry={() => window.location.reload()} retry="Reload" />
      ) : (
        <Failure error={error} onRetry={reset} />
      )}
    </>
  );
}

/** The same, where not even the navigation can be drawn. */
export function FailedAlone(props: ErrorComponentProps): ReactNode {
  return (
    <main className="alone">
      <Failed {...props} />
    </main>
  );
}

export function NotFound(): ReactNode {
  return (
    <>
      <PageHead title="No such page" command={null} />
      <Text>
        The address may be mistyped, or of another version. <Anchor renderRoot={(props) => <Link to="/" {...props} />}>Overview</Anchor>
      </Text>
    </>
  );
}

interface EmptyProps {
  /** What would be here, and why it is not. */
  readonly children: ReactNode;
  /** The next step. */
  readonly command?: string;
}

export function Empty({ children, command }: EmptyProps) {
  return (
    <Stack gap="xs" py="md" align="flex-start">
      <Text component="div">{children}</Text>
      {command === undefined ? null : <Command text={command} />}
    </Stack>
  );
}
