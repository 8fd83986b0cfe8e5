import { Alert, Group, List, Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import type { EventAnswer, EventDetail, Timeline, TimelinePart, TraceFacts } from '../../src/answers/events.ts';
import { event } from '../api.ts';
import { Id } from '../parts/copy.tsx';
import { EventsTable, Outcome, Subject } from '../parts/events-table.tsx';
import { Fields } from '../parts/fields.tsx';
import { PageLink, TraceLink } from '../parts/link.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { Prose } from '../parts/prose.tsx';
import { Scroll } from '../parts/scroll.tsx';
import { shellWord } from '../parts/text.ts';
import { durationText } from '../parts/time-text.ts';
import { Time } from '../parts/time.tsx';

/** Where was the time spent? */
export function Change() {
  const { id } = useParams({ from: '/events/$id' });
  const query = useQuery(event(id));
  const eventId = query.data?.event.eventId ?? id;
  const traceUrl = query.data?.event.trace?.url;
  return (
    <>
      <PageHead title="One change" command={`mirror explain ${shellWord(eventId)}`}>
        <PageLink to="/explain/$id" params={{ id: eventId }}>
          Explain
        </PageLink>
        {traceUrl ? <TraceLink url={traceUrl}>Trace</TraceLink> : null}
      </PageHead>
      <Answer query={query}>{(answer) => <Body answer={answer} />}</Answer>
    </>
  );
}

function Body({ answer: { event: known, timeline, repeats, leader, others, words } }: { readonly answer: EventAnswer }) {
  return (
    <Stack gap="lg">
      <Text size="lg">
        <Outcome event={known} /> · <Subject event={known} /> · {durationText(timeline.ownMs)} from the receipt
      </Text>
      {known.failure === null ? null : (
        <Alert color="red" variant="outline" title={`${known.failure.class}: ${known.failure.code}`}>
          <span className="any">{known.failure.message}</span>
        </Alert>
      )}
      <Way timeline={timeline} />
      {leader === null ? null : (
        <Stack gap={4} component="section">
          <Title order={2}>Answered by the fetch of another event</Title>
          <EventsTable events={[leader]} label="The event whose fetch answered" />
        </Stack>
      )}
      <Stack gap={4} component="section">
        <Title order={2}>All that is known</Title>
        <Fields of={fieldsOf(known)} />
      </Stack>
      {others.length === 0 ? null : (
        <Stack gap={4} component="section">
          <Title order={2}>Its fetch also answered for</Title>
          <Group gap="xs">
            {others.map((id) => (
              <PageLink key={id} to="/events/$id" params={{ id }} className="id">
                {id}
              </PageLink>
            ))}
          </Group>
        </Stack>
      )}
      {repeats.length === 0 ? null : (
        <Stack gap={4} component="section">
          <Title order={2}>Its other outcomes</Title>
          <EventsTable events={repeats} label="Other outcomes of the event" />
        </Stack>
      )}
      {words.length === 0 ? null : (
        <Stack gap={4} component="section">
          <Title order={2}>In words</Title>
          <List size="sm">
            {words.map((line) => (
              <List.Item key={line}>
                <span className="any">
                  <Prose text={line} />
                </span>
              </List.Item>
            ))}
          </List>
        </Stack>
      )}
    </Stack>
  );
}

const names: Record<TimelinePart['kind'], string> = {
  notion: 'Notion until the webhook',
  append: 'Onto the log',
  log: 'On the log',
  lane: 'Waiting for its turn',
  fetch: 'Asking Notion',
  write: 'Writing',
};
const colours: Record<TimelinePart['kind'], string> = {
  notion: 'part-1',
  append: 'part-2',
  log: 'part-3',
  lane: 'part-4',
  fetch: 'part-5',
  write: 'part-6',
};

/** The timeline: a bar of buttons, and the same as a table. A part that is chosen in the bar is marked in the table. */
function Way({ timeline }: { readonly timeline: Timeline }) {
  const { from, totalMs, parts, isCut } = timeline;
  const [chosen, choose] = useState<number | null>(null);
  const { shares, isFolded } = sharesOf(timeline);
  return (
    <Stack gap="xs" component="section">
      <Title order={2}>Where the time went: {durationText(totalMs)}</Title>
      <Text size="sm" c="dimmed">
        Begins <Time at={from} />
        {isFolded ? '. Notion’s part is drawn short, so that the others can be seen.' : ''}
      </Text>
      {totalMs === 0 ? null : (
        <div className="bar" role="group" aria-label="Timeline">
          {parts.map(({ kind, startMs, ms, text }, index) => (
            <button
              key={`${kind} ${startMs}`}
              type="button"
              className={colours[kind]}
              style={{ width: `${(shares[index] ?? 0) * 100}%` }}
              aria-label={`${names[kind]}: ${durationText(ms)}. ${text}`}
              title={`${names[kind]}: ${durationText(ms)}`}
              aria-pressed={chosen === index}
              onClick={() => choose(chosen === index ? null : index)}
            />
          ))}
        </div>
      )}
      <Scroll kind="wide" label="Parts of the timeline">
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">Part</Table.Th>
              <Table.Th scope="col" className="num">
                From
              </Table.Th>
              <Table.Th scope="col" className="num">
                Took
              </Table.Th>
              <Table.Th scope="col">What</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {parts.map(({ kind, startMs, ms, text }, index) => (
              <Table.Tr key={`${kind} ${startMs}`} aria-current={chosen === index ? 'true' : undefined}>
                <Table.Th scope="row">
                  <span className={`swatch ${colours[kind]}`} aria-hidden /> {names[kind]}
                </Table.Th>
                <Table.Td className="num">{durationText(startMs)}</Table.Td>
                <Table.Td className="num">{durationText(ms)}</Table.Td>
                <Table.Td>{text}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
          <Table.Tfoot>
            <Table.Tr>
              <Table.Th scope="row">In all</Table.Th>
              <Table.Td />
              <Table.Td className="num">{durationText(parts.reduce((sum, { ms }) => sum + ms, 0))}</Table.Td>
              <Table.Td>{isCut ? 'The clocks disagree: what did not fit into the total was cut.' : ''}</Table.Td>
            </Table.Tr>
          </Table.Tfoot>
        </Table>
      </Scroll>
    </Stack>
  );
}

/** Longer than this, Notion's part would hide all others. */
const mostOfNotion = 0.15;

/** The width of each part in the bar, of 1. */
function sharesOf({ totalMs, ownMs, parts }: Timeline): { readonly shares: readonly number[]; readonly isFolded: boolean } {
  const isFolded = ownMs > 0 && totalMs - ownMs > totalMs * mostOfNotion;
  const shares = parts.map(({ kind, ms }) => {
    if (!isFolded) return ms / totalMs;
    return kind === 'notion' ? mostOfNotion : (ms / ownMs) * (1 - mostOfNotion);
  });
  return { shares, isFolded };
}

function fieldsOf(known: EventDetail) {
  const { record, fetch, place, state, workspaceId, scanTrace } = known;
  const tenant =
    workspaceId === null ? (
      'none was found'
    ) : (
      <PageLink to="/t/$tenant" params={{ tenant: workspaceId }}>
        {workspaceId}
      </PageLink>
    );
  return [
    ['Event', <Id value={known.eventId} label="the event's id" />],
    ['Type', `${known.type}, from ${known.origin}${known.isUnannounced ? ', found without a webhook' : ''}`],
    ['Tenant', tenant],
    ['Connection', <Id value={known.connectionId} label="the connection's id" />],
    ['Database', <Id value={known.databaseId} label="the database's id" />],
    ['Data source', <Id value={known.dataSourceId} label="the data source's id" />],
    ['Row', <Id value={known.pageId} label="the row's id" />],
    ['Changed in Notion', <Time at={known.occurredAt} />],
    ['Received', <Time at={known.receivedAt} />],
    [
      'On the log',
      place === null ? (
        '–'
      ) : (
        <>
          {place.partition}:{place.offset}, <Time at={known.appendedAt} withAge={false} />
        </>
      ),
    ],
    [
      'Settled',
      <>
        <Time at={known.at} /> by {known.service}
      </>,
    ],
    ['Attempts', known.attempts ?? '–'],
    ['Asked Notion', fetch === null ? 'no' : `${fetch.calls} calls, ${durationText(fetch.ms)}`],
    ['Notion’s request', <Id value={fetch?.requestId} label="the id of Notion's request" />],
    ['Record', record === null ? '–' : `rev ${record.rev}${record.ms === null ? ', left unchanged' : ''}`],
    ['State log', state === null ? '–' : `${state.partition}:${state.offset}`],
    ['Trace', <TraceName trace={known.trace} label="the trace's id" />],
    ...(scanTrace === null
      ? []
      : ([
          [
            'Answered later in',
            <>
              <TraceName trace={scanTrace} label="the id of that trace" />{' '}
              {scanTrace.url === null ? null : <TraceLink url={scanTrace.url}>its trace</TraceLink>}
            </>,
          ],
        ] as const)),
  ] as const;
}

function TraceName({ trace, label }: { readonly trace: TraceFacts | null; readonly label: string }) {
  return (
    <>
      <Id value={trace?.traceId} label={label} />
      {trace?.isSampled === false ? <span className="dim"> not sampled</span> : null}
    </>
  );
}
