import { Anchor, type AnchorProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, ReactNode, Ref } from 'react';
import { middle, safeLink } from './text.ts';

type Props = AnchorProps & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof AnchorProps> & { readonly ref?: Ref<HTMLAnchorElement> };

/** A link to another page of the console. */
export const PageLink = createLink((props: Props) => <Anchor {...props} />);

/** To a tenant. Its id is shortened to `longest` characters; null: there is none. */
export function TenantLink({ workspaceId, longest }: { readonly workspaceId: string | null; readonly longest: number }) {
  if (workspaceId === null) return <span className="dim">–</span>;
  return (
    <PageLink to="/t/$tenant" params={{ tenant: workspaceId }} title={workspaceId}>
      {middle(workspaceId, longest)}
    </PageLink>
  );
}

/** To a trace, at the address that the operators have configured: it may be http. */
export function TraceLink({ url, children }: { readonly url: string; readonly children: ReactNode }) {
  return (
    <Anchor href={url} target="_blank" rel="noopener noreferrer">
      {children} <span aria-hidden>↗</span>
    </Anchor>
  );
}

/** A link out. Without an address there is nothing to show; with one that must not be followed, the text alone. */
export function OutLink({ url, children }: { readonly url: unknown; readonly children: ReactNode }) {
  const href = safeLink(url);
  if (url === null || url === undefined) return null;
  if (href === null) return <>{children}</>;
  return (
    <Anchor href={href} target="_blank" rel="noopener noreferrer">
      {children} <span aria-hidden>↗</span>
    </Anchor>
  );
}
