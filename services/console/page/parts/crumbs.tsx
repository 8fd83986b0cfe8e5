import { Breadcrumbs, List, Stack, Title } from '@mantine/core';
import type { Crumb } from '../../src/answers/common.ts';
import { PageLink } from './link.tsx';
import { middle } from './text.ts';

interface CrumbsProps {
  readonly tenant: string;
  readonly parents: readonly Crumb[];
  readonly title: string;
}

/** Where a database or row is, from its tenant inwards. */
export function Crumbs({ tenant, parents, title }: CrumbsProps) {
  return (
    <nav aria-label="Where it is">
      <Breadcrumbs mb={4} separatorMargin={6} style={{ flexWrap: 'wrap' }}>
        <PageLink to="/t/$tenant" params={{ tenant }} title={tenant}>
          {middle(tenant, 32)}
        </PageLink>
        {parents.map((crumb) => (
          <CrumbLink key={crumb.id} tenant={tenant} crumb={crumb} longest={32} />
        ))}
        <span className="dim">{middle(title, 32)}</span>
      </Breadcrumbs>
    </nav>
  );
}

interface CrumbProps {
  readonly tenant: string;
  readonly crumb: Crumb;
  readonly longest: number;
}

/** A page that is no row of the mirror has nothing to link to. */
export function CrumbLink({ tenant, crumb: { kind, id, title }, longest }: CrumbProps) {
  const label = middle(title === '' ? 'Untitled' : (title ?? id), longest);
  if (kind === 'database') {
    return (
      <PageLink to="/t/$tenant/d/$database" params={{ tenant, database: id }} title={id}>
        {label}
      </PageLink>
    );
  }
  if (kind === 'row') {
    return (
      <PageLink to="/t/$tenant/r/$page" params={{ tenant, page: id }} title={id}>
        {label}
      </PageLink>
    );
  }
  return (
    <span className="dim" title={id}>
      page {middle(id, 13)}
    </span>
  );
}

/** The databases directly below a database or a row; nothing if there are none. */
export function DatabasesIn({ tenant, below }: { readonly tenant: string; readonly below: readonly Crumb[] }) {
  if (below.length === 0) return null;
  return (
    <Stack gap={4} component="section">
      <Title order={2}>Databases in it</Title>
      <List>
        {below.map((crumb) => (
          <List.Item key={crumb.id}>
            <CrumbLink tenant={tenant} crumb={crumb} longest={60} />
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}
