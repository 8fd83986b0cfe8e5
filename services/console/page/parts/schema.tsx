import { Group, Stack, Text, Title } from '@mantine/core';
import type { Crumb } from '../../src/answers/common.ts';
import type { DatabaseContent, DataSource, Property } from '../../src/answers/databases.ts';
import type { Place } from '../api.ts';
import { Completeness } from './completeness.tsx';
import { Id } from './copy.tsx';
import { CrumbLink, DatabasesIn } from './crumbs.tsx';
import { DataTable, type Column } from './data-table.tsx';
import { PageLink } from './link.tsx';
import { middle } from './text.ts';

interface SchemaProps {
  readonly place: Place;
  readonly content: DatabaseContent;
  readonly above: readonly Crumb[];
  readonly below: readonly Crumb[];
}

/** The data sources of a database with their properties, as Notion shows them. */
export function Schema({ place, content: { description, sources, parent, isInline }, above, below }: SchemaProps) {
  const holder = above.find(({ id, kind }) => id === parent.id && kind !== 'page');
  return (
    <Stack gap="lg">
      {description === null || description === '' ? null : <Text className="any">{description}</Text>}
      {sources.map((source) => (
        <Source key={source.dataSourceId} place={place} source={source} />
      ))}
      <DatabasesIn tenant={place.tenant} below={below} />
      <Text size="sm" c="dimmed">
        {isInline ? 'Inline' : 'A page of its own'}, in{' '}
        {holder === undefined ? (
          `${parent.type.replace('_id', '')} ${parent.id ?? ''}`
        ) : (
          <>
            the {holder.kind} <CrumbLink tenant={place.tenant} crumb={holder} longest={60} />
          </>
        )}
      </Text>
    </Stack>
  );
}

function Source({
  place,
  source: { dataSourceId, name, refused, inTrash, properties, contents },
}: {
  readonly place: Place;
  readonly source: DataSource;
}) {
  return (
    <Stack gap="xs" component="section">
      <Group gap="sm">
        <Title order={2}>{name === null || name === '' ? 'Data source' : middle(name, 80)}</Title>
        {contents === null ? null : (
          <PageLink to="/t/$tenant/d/$database" params={place} search={{ tab: 'rows', source: dataSourceId }}>
            <Completeness contents={contents} />
          </PageLink>
        )}
        {inTrash ? <span className="warn">in the trash</span> : null}
      </Group>
      <Id value={dataSourceId} label="the data source's id" />
      {refused === null ? null : <Text className="warn">The connection cannot read it: {refused}</Text>}
      {properties === null ? null : (
        <DataTable
          label={`Properties of ${name ?? dataSourceId}`}
          columns={columnsOf(place.tenant)}
          rows={properties}
          keyOf={({ id }) => id}
        />
      )}
    </Stack>
  );
}

function columnsOf(tenant: string): readonly Column<Property>[] {
  return [
    { id: 'name', header: 'Property', cell: ({ name, description }) => <span title={description ?? undefined}>{middle(name, 60)}</span> },
    { id: 'type', header: 'Type', cell: ({ type }) => type },
    { id: 'holds', header: 'Holds', cell: (property) => <Holds tenant={tenant} property={property} /> },
    { id: 'id', header: 'Id', cell: ({ id }) => <Id value={id} label="the property's id" /> },
  ];
}

function Holds({ tenant, property: { options, relation } }: { readonly tenant: string; readonly property: Property }) {
  if (relation !== null) {
    const { databaseId, dataSourceId, title } = relation;
    if (databaseId === null) {
      return (
        <span className="warn" title={dataSourceId}>
          dangling: the mirror does not have {middle(dataSourceId, 13)}
        </span>
      );
    }
    return (
      <PageLink to="/t/$tenant/d/$database" params={{ tenant, database: databaseId }}>
        → {middle(title ?? databaseId, 40)}
      </PageLink>
    );
  }
  return (
    <>
      {options.map(({ id, name, color }) => (
        <Chip key={id ?? name} text={name} color={color} />
      ))}
    </>
  );
}

const colours = ['gray', 'brown', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'red'];

/** An option. Notion's colour is a dot, since its own text must stay readable. */
export function Chip({ text, color }: { readonly text: string; readonly color: string | null }) {
  const known = color !== null && colours.includes(color) ? color : null;
  return (
    <span className="chip" title={color === null ? text : `${text} (${color})`}>
      {known === null ? null : <span className="swatch" style={{ background: known }} aria-hidden />}
      {text}
    </span>
  );
}
