import { List, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { history, type Place } from '../api.ts';
import { Empty } from './failure.tsx';
import { PageLink } from './link.tsx';
import { Answer } from './panel.tsx';
import { count, middle } from './text.ts';
import { Time } from './time.tsx';

interface Source {
  readonly dataSourceId: string;
  readonly name: string | null;
}

/** How its properties have changed, latest first. */
export function History({ place, sources }: { readonly place: Place; readonly sources: readonly Source[] }) {
  const query = useQuery(history(place));
  return (
    <Answer query={query}>
      {({ changes, hasMore, keptDays }) =>
        changes.length === 0 ? (
          <Empty>No property has changed since the database is mirrored, or within {count(keptDays, 'day')}.</Empty>
        ) : (
          <Stack gap="md">
            {changes.map(({ dataSourceId, at, rev, event, isTooLarge, changes: lines }) => (
              <Stack key={`${dataSourceId} ${rev}`} gap={4} component="section">
                <Title order={2}>
                  <Time at={at} />
                </Title>
                <Text size="sm" c="dimmed">
                  {sources.length > 1 ? `${nameOf(dataSourceId, sources)}, ` : ''}rev {rev}
                  {event === null ? null : (
                    <>
                      ,{' '}
                      <PageLink to="/events/$id" params={{ id: event.id }}>
                        by {event.type}
                      </PageLink>
                    </>
                  )}
                </Text>
                {isTooLarge ? <Text size="sm">Too many changes to keep each of them.</Text> : null}
                <List size="sm">
                  {lines.map(({ kind, propertyId, property, text }) => (
                    <List.Item key={`${kind} ${propertyId} ${text}`}>
                      <strong title={propertyId}>{middle(property, 60)}</strong> {middle(text, 300)}
                    </List.Item>
                  ))}
                </List>
              </Stack>
            ))}
            {hasMore ? <Text size="sm">Older changes are kept, too: the command above shows them.</Text> : null}
          </Stack>
        )
      }
    </Answer>
  );
}

function nameOf(dataSourceId: string, sources: readonly Source[]): string {
  return middle(sources.find((source) => source.dataSourceId === dataSourceId)?.name ?? dataSourceId, 60);
}
