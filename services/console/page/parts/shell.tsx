import { ActionIcon, Alert, AppShell, Badge, Burger, Button, Group, Kbd, Modal, NavLink, Switch, Table, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { spotlight } from '@mantine/spotlight';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, type ReactNode } from 'react';
import { logOut, me } from '../api.ts';
import { ConsoleError } from '../console-error.ts';
import { useIsOutdated } from '../version.ts';
import { ColourSwitch } from './colour-switch.tsx';
import { Failure } from './failure.tsx';
import { FindBox } from './find-box.tsx';
import { useKeys } from './keyboard.ts';
import { Login } from './login.tsx';
import { Waiting } from './panel.tsx';
import { sections } from './sections.ts';
import { useUtc } from './time.tsx';

const keys = [
  ['⌘K or /', 'find a tenant, an id, a Notion URL or a page'],
  ['j, k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['Esc', 'leave the row, close a dialog'],
  ['l', 'live on or off, on the page of events'],
  ['?', 'this list'],
] as const;

/** What every page has around it; the form to sign in where there is no session. */
export function Shell(): ReactNode {
  const who = useQuery(me);
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const [isNavOpen, nav] = useDisclosure(false);
  const [isHelpOpen, help] = useDisclosure(false);
  const isOutdated = useIsOutdated();
  const pages = useMemo(() => sections.map(({ letter, to }) => ({ letter, go: () => void navigate({ to }) })), [navigate]);
  useKeys({ pages, onHelp: help.open });
  useFocusOnHeading(nav.close);

  if (who.isError) return <NoSession error={who.error} onRetry={() => void who.refetch()} />;
  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 190, breakpoint: 'sm', collapsed: { mobile: !isNavOpen } }} padding="md">
      <a href="#main" className="skip">
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger opened={isNavOpen} onClick={nav.toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" aria-expanded={isNavOpen} />
            <Text fw={700} component={Link} to="/" c="inherit" td="none">
              notion-mirror
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Button variant="default" size="compact-md" onClick={spotlight.open} aria-keyshortcuts="Meta+K Control+K /">
              Find <Kbd ml={6}>⌘K</Kbd>
            </Button>
            <ColourSwitch />
            <ActionIcon variant="default" size={30} onClick={help.open} aria-label="Keys" visibleFrom="sm">
              ?
            </ActionIcon>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" component="div">
        <nav aria-label="Pages">
          {sections.map(({ to, label, letter }) => (
            <NavLink
              key={to}
              renderRoot={(props) => <Link to={to} {...props} />}
              label={label}
              active={to === '/' ? pathname === '/' : pathname.startsWith(to) || (to === '/tenants' && pathname.startsWith('/t/'))}
              rightSection={<Kbd aria-hidden>{letter}</Kbd>}
            />
          ))}
        </nav>
        <Foot />
      </AppShell.Navbar>
      <AppShell.Main id="main">
        {isOutdated ? (
          <Alert color="yellow" variant="outline" mb="md" title="The console was updated." role="status">
            This page is of the version before. <Anchored onClick={() => window.location.reload()}>Reload it</Anchored> to go on; until then
            it changes nothing.
          </Alert>
        ) : null}
        {who.data === undefined ? <Waiting /> : <Outlet />}
      </AppShell.Main>
      <FindBox />
      <Modal opened={isHelpOpen} onClose={help.close} withCloseButton={false}>
        <Group justify="space-between">
          <Modal.Title>Keys</Modal.Title>
          <Modal.CloseButton aria-label="Close" />
        </Group>
        <Table>
          <Table.Tbody>
            {[...keys, ...sections.map(({ letter, label }) => [`g ${letter}`, label] as const)].map(([key, does]) => (
              <Table.Tr key={key}>
                <Table.Th scope="row">
                  <Kbd>{key}</Kbd>
                </Table.Th>
                <Table.Td>{does}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Modal>
    </AppShell>
  );
}

function Anchored({ onClick, children }: { readonly onClick: () => void; readonly children: string }) {
  return (
    <Button variant="default" size="compact-sm" onClick={onClick}>
      {children}
    </Button>
  );
}

/** Without a session the form; when the console does not answer, that. */
function NoSession({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  if (ConsoleError.of(error).code === 'sign_in_with_token') return <Login />;
  return (
    <main style={{ padding: '15vh 1rem', maxWidth: 560, margin: '0 auto' }}>
      <h1>notion-mirror</h1>
      <Failure error={error} onRetry={onRetry} />
    </main>
  );
}

/** Who you are, and how times are shown. */
function Foot() {
  const client = useQueryClient();
  const who = useQuery(me);
  const [utc, setUtc] = useUtc();
  const leave = useMutation({ mutationFn: logOut, onSettled: () => client.resetQueries() });
  return (
    <footer style={{ marginTop: 'auto' }}>
      <Switch size="xs" label="Times in UTC" checked={utc} onChange={(event) => setUtc(event.currentTarget.checked)} mb="xs" />
      {who.data === undefined ? null : (
        <>
          <Group gap={4} mb={4}>
            <Badge>{who.data.role}</Badge>
            {who.data.content ? null : <Badge title="Titles, rows and raw objects are not shown to you">content hidden</Badge>}
          </Group>
          <Text size="xs" c="dimmed">
            {who.data.name === null ? '' : `${who.data.name} · `}
            {who.data.version}
          </Text>
          {who.data.actions.signOut.allowed ? (
            <Button variant="default" size="compact-xs" mt={4} onClick={() => leave.mutate()}>
              Sign out
            </Button>
          ) : null}
        </>
      )}
    </footer>
  );
}

/** Another page is announced by its heading, and the next Tab goes on from there. */
function useFocusOnHeading(onChange: () => void): void {
  // Until its code is loaded, the page before is shown.
  const pathname = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname });
  const shown = useRef(pathname);
  useEffect(() => {
    const before = shown.current;
    shown.current = pathname;
    if (before === undefined || before === pathname) return;
    onChange();
    document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
  }, [pathname, onChange]);
}
