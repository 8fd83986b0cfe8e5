import { Button, Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Json } from '../../src/answers/common.ts';
import { raw, type Place } from '../api.ts';
import { Copy } from './copy.tsx';
import { Answer } from './panel.tsx';
import { Scroll } from './scroll.tsx';
import { count } from './text.ts';

/** What Notion answered, and the document that readers get. */
export function RawOfDatabase({ place }: { readonly place: Place }) {
  const query = useQuery(raw(place));
  return <Answer query={query}>{(answer) => <Documents raw={answer.raw} document={answer.document} name={place.database} />}</Answer>;
}

interface DocumentsProps {
  readonly raw: Json;
  readonly document: Json;
  /** Of the files. */
  readonly name: string;
}

export function Documents({ raw: objects, document: own, name }: DocumentsProps) {
  return (
    <Stack>
      <Document title="The document, without raw" value={own} file={`${name}.json`} />
      <Document title="Notion’s objects" value={objects} file={`${name}-raw.json`} />
    </Stack>
  );
}

/** More would freeze the page; the whole is a copy or a download away. */
const shownCharacters = 100_000;

function Document({ title, value, file }: { readonly title: string; readonly value: Json; readonly file: string }) {
  const text = useMemo(() => (value === null ? null : JSON.stringify(value, null, 2)), [value]);
  if (text === null) return <Text>{title}: none, since the database is removed.</Text>;
  return (
    <details open={text.length < shownCharacters}>
      <summary>{title}</summary>
      <Group gap="xs" my="xs">
        <Copy value={text} label={title} />
        <Button variant="default" size="compact-sm" onClick={() => download(text, file)}>
          Download {count(text.length, 'character')}
        </Button>
      </Group>
      <Scroll kind="raw" label={title}>
        {text.slice(0, shownCharacters)}
      </Scroll>
      {text.length > shownCharacters ? <Text size="sm">Cut off here.</Text> : null}
    </details>
  );
}

function download(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
