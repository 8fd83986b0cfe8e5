import { Alert, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { LetterAnswer } from '../../src/answers/dead-letters.ts';
import { letter } from '../api.ts';
import { WhyNot } from '../parts/act.tsx';
import { Command, Id } from '../parts/copy.tsx';
import { Fields } from '../parts/fields.tsx';
import { PageLink } from '../parts/link.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { PlanLinks } from '../parts/plan-links.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { count } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';

/** One dead letter: why, and its bytes. */
export function DeadLetter() {
  const { partition, offset } = useParams({ from: '/dead-letters/$partition/$offset' });
  const place = `${partition}:${offset}`;
  const query = useQuery(letter(place));
  return (
    <>
      <PageHead title={`Dead letter ${place}`} command={`mirror dead-letters show ${place}`} />
      <Answer query={query}>{({ letter: shown }) => <Body letter={shown} />}</Answer>
    </>
  );
}

function Body({ letter: shown }: { readonly letter: LetterAnswer['letter'] }) {
  const { ref, message, workspaceId, eventId, value, settled, headers } = shown;
  return (
    <Stack gap="lg">
      <Alert color="red" variant="outline" title={`${shown.class}: ${shown.code}`}>
        <span className="any">{message}</span>
      </Alert>
      {settled === null ? (
        <Stack gap={4}>
          <Text>When the cause is fixed, retry it:</Text>
          <Group gap="sm">
            <PlanLinks about={`letter ${ref}`} refs={[ref]} whyId="why-not-letter" />
            <Command text={`mirror dead-letters redrive ${ref}`} />
          </Group>
          <WhyNot actions={['redrive', 'drop']} id="why-not-letter" />
        </Stack>
      ) : (
        <Text>
          Settled: {settled.action} <Time at={settled.at} />
        </Text>
      )}
      <Fields
        of={[
          ['Failed', <Time at={shown.failedAt} />],
          ['First failed', <Time at={shown.firstFailedAt} />],
          ['Service', shown.service],
          ['Attempts', shown.attempts ?? '–'],
          ['Retried', count(shown.redrives, 'time')],
          [
            'Tenant',
            workspaceId === null ? (
              'none'
            ) : (
              <PageLink to="/t/$tenant" params={{ tenant: workspaceId }}>
                {workspaceId}
              </PageLink>
            ),
          ],
          ['Event', eventId === null ? '–' : <Id value={eventId} label="the event's id" />],
          ['Type', shown.eventType ?? (shown.route === null ? '–' : `an unreadable webhook by ${shown.route}`)],
        ]}
      />
      {eventId === null ? null : (
        <PageLink to="/explain/$id" params={{ id: eventId }}>
          Explain this event
        </PageLink>
      )}
      <Section title="Event">
        {value.event === null ? (
          <Text>{value.problem ?? 'There is none.'}</Text>
        ) : (
          <Scroll kind="raw" label="Event">
            {JSON.stringify(value.event, null, 2)}
          </Scroll>
        )}
      </Section>
      {value.preview === null ? null : (
        <Section title={`Bytes, masked${value.bytes === null ? '' : ` (${count(value.bytes, 'byte')})`}`}>
          <Scroll kind="raw" label="As text">
            {value.preview.text}
          </Scroll>
          {value.preview.hex === null ? null : (
            <Scroll kind="raw" label="In hex">
              {value.preview.hex}
            </Scroll>
          )}
          {value.preview.isCut ? <Text size="sm">Cut off here.</Text> : null}
        </Section>
      )}
      <Section title="Headers">
        <Fields of={Object.entries(headers)} />
      </Section>
    </Stack>
  );
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Stack gap={4} component="section">
      <Title order={2}>{title}</Title>
      {children}
    </Stack>
  );
}
