import { ActionIcon, Alert, AppShell, Badge, Burger, Button, Group, Kbd, NavLink, Switch, Text, VisuallyHidden } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useNavigate, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState, type ReactNode } from 'react';
import { logOut, me } from '../api.ts';
import { ConsoleError } from '../console-error.ts';
import { useIsOutdated } from '../version.ts';
import { useAnnounced } from './announce.ts';
import { ColourSwitch } from './colour-switch.tsx';
import { Failure } from './failure.tsx';
import { useKeys } from './keyboard.ts';
import { Waiting } from './panel.tsx';
import { sections } from './sections.ts';
import { useUtc } from './time.tsx';

// Not of the first load. What a key opens is fetched as soon as the page has nothing else to do, so that the next keys are not lost.
const loadFind = async () => import('./find-box.tsx');
const FindBox = lazy(async () => ({ default: (await loadFind()).FindBox }));
const KeyList = lazy(async () => ({ default: (await import('./key-list.tsx')).KeyList }));
const Login = lazy(async () => ({ default: (await import('./login.tsx')).Login }));

/** What every page has around it; the form to sign in where there is no session. */
export function Shell(): ReactNode {
  const who = useQuery(me);
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const [isNavOpen, nav] = useDisclosure(false);
  const [isHelpOpen, help] = useDisclosure(false);
  const [finds, setFinds] = useState(0);
  const find = useCallback(() => setFinds((before) => before + 1), []);
  const isOutdated = useIsOutdated();
  const pages = useMemo(() => sections.map(({ letter, to }) => ({ letter, go: () => void navigate({ to }) })), [navigate]);
  useKeys({ pages, onFind: find, onHelp: help.open });
  useFocusOnHeading(nav.close);
  useWhenIdle(loadFind);

  const isGone = who.isError && (who.data === undefined || ConsoleError.of(who.error).status === 401);
  if (isGone) return <NoSession error={who.error} onRetry={() => void who.refetch()} />;
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
            <Button variant="default" size="compact-md" onClick={find} aria-keyshortcuts="Meta+K Control+K /">
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
        <Announced />
      </AppShell.Main>
      <Suspense fallback={null}>
        {finds === 0 ? null : <FindBox asked={finds} />}
        {isHelpOpen ? <KeyList onClose={help.close} /> : null}
      </Suspense>
    </AppShell>
  );
}

/** What an action did, for a screen reader: the page shows it, too. */
function Announced() {
  return <VisuallyHidden role="status">{useAnnounced()}</VisuallyHidden>;
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
  if (ConsoleError.of(error).code === 'sign_in_with_token') {
    return (
      <Suspense fallback={<Waiting />}>
        <Login />
      </Suspense>
    );
  }
  return (
    <main className="alone">
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

function useWhenIdle(load: () => Promise<unknown>): void {
  useEffect(() => {
    // Safari has no such callback; there it is fetched when it is opened.
    if (typeof requestIdleCallback !== 'function') return;
    // When it fails, opening it asks again and says so.
    const handle = requestIdleCallback(() => void load().catch(() => {}));
    return () => cancelIdleCallback(handle);
  }, [load]);
}
