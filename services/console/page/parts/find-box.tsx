import { Modal, VisuallyHidden } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { Spotlight, spotlight } from '@mantine/spotlight';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import type { Hit } from '../../src/answers/find.ts';
import { find } from '../api.ts';
import { ConsoleError } from '../console-error.ts';
import { sections } from './sections.ts';
import { middle } from './text.ts';

const kinds: Record<Hit['kind'], string> = {
  tenant: 'Tenant',
  database: 'Database',
  data_source: 'Data source',
  row: 'Row',
  event: 'Event',
  dead_letter: 'Dead letter',
  explain: 'Explain',
};

const settledMs = 150;

/** One box for tenants, ids, Notion URLs, `partition:offset` and pages. It opens whenever `asked` grows. */
export function FindBox({ asked }: { readonly asked: number }) {
  useEffect(() => spotlight.open(), [asked]);
  const navigate = useNavigate();
  // A closed box gives the focus back, but a page that was opened from it takes it.
  const [isLeaving, setIsLeaving] = useState(false);
  const go = (to: string) => {
    setIsLeaving(true);
    void navigate({ to });
  };
  const [query, setQuery] = useState('');
  const [settled] = useDebouncedValue(query.trim(), settledMs);
  const found = useQuery(find(settled));
  const wanted = query.trim().toLowerCase();
  const pages = sections.filter(({ label }) => label.toLowerCase().includes(wanted));
  const hits = settled === '' ? [] : (found.data?.hits ?? []);
  // Who pastes an id and presses Enter means what is found.
  const first = found.isFetching || wanted === '' ? undefined : [...hits, ...pages][0]?.to;

  return (
    <Spotlight.Root
      query={query}
      onQueryChange={setQuery}
      shortcut={null}
      clearQueryOnClose
      returnFocus={!isLeaving}
      onSpotlightOpen={() => setIsLeaving(false)}
    >
      <VisuallyHidden>
        <Modal.Title>Find</Modal.Title>
      </VisuallyHidden>
      <Spotlight.Search
        placeholder="Tenant, id, Notion URL, partition:offset, page"
        aria-label="Find"
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || isSelected() || first === undefined || wanted !== settled.toLowerCase()) return;
          event.preventDefault();
          go(first);
          spotlight.close();
        }}
      />
      <Spotlight.ActionsList aria-label="Found">
        {hits.map(({ kind, workspaceId, id, title, to }) => (
          <Spotlight.Action
            key={`${kind} ${workspaceId ?? ''} ${id}`}
            label={`${kinds[kind]}: ${middle(title ?? id, 60)}`}
            description={[workspaceId, title === null ? null : id].filter((text) => text !== null).join(' · ')}
            onClick={() => go(to)}
          />
        ))}
        {pages.map(({ to, label }) => (
          <Spotlight.Action key={to} label={label} description="Page" onClick={() => go(to)} />
        ))}
        {hits.length + pages.length === 0 ? (
          <Spotlight.Empty>
            {found.isError
              ? ConsoleError.of(found.error).message
              : found.isFetching || wanted !== settled.toLowerCase()
                ? 'Asking…'
                : 'Nothing found.'}
          </Spotlight.Empty>
        ) : null}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function isSelected(): boolean {
  return document.querySelector('[role=dialog] [data-selected]') !== null;
}
