import { Button, Paper, PasswordInput, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { logIn } from '../api.ts';
import { Failure } from './failure.tsx';
import { PageHead } from './page-head.tsx';

/** For unknown users: a named token, which becomes a session. */
export function Login() {
  const client = useQueryClient();
  const [token, setToken] = useState('');
  const login = useMutation({ mutationFn: logIn, onSuccess: () => client.invalidateQueries() });
  return (
    <main>
      <Paper withBorder maw={420} mx="auto" mt="15vh" p="lg">
        <PageHead title="Sign in" command={null} />
        <form
          onSubmit={(event) => {
            event.preventDefault();
            login.mutate(token);
          }}
        >
          <Stack>
            <PasswordInput
              label="Access token"
              description="The console's operator gives you one. The session lasts 12 hours."
              autoComplete="current-password"
              autoFocus
              required
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
            />
            <Button type="submit" loading={login.isPending}>
              Sign in
            </Button>
            {login.isError ? <Failure error={login.error} /> : null}
            <Text size="sm" c="dimmed">
              In a terminal: send it as <code>Authorization: Bearer …</code>
            </Text>
          </Stack>
        </form>
      </Paper>
    </main>
  );
}
