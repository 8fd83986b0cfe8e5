import { Alert, Button, Group, Progress, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { JobAction, JobAnswer } from '../../src/answers/jobs.ts';
import type { ActionName } from '../../src/answers/me.ts';
import { continueJob, job as jobQuery, stopJob } from '../api.ts';
import { CausesTable, causeColumns } from '../parts/causes-table.tsx';
import { Failure } from '../parts/failure.tsx';
import { Fields } from '../parts/fields.tsx';
import { jobPercent, jobProgress, jobState, jobTitles } from '../parts/job-text.ts';
import { PageLink } from '../parts/link.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Waiting } from '../parts/panel.tsx';
import { reasonsText } from '../parts/sweep-facts.tsx';
import { figure } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useWhyNot } from '../parts/use-actions.ts';

/** What is it doing, and what came back? */
export function Job() {
  const { id } = useParams({ from: '/jobs/$id' });
  const query = useQuery(jobQuery(id));
  const job = query.data ?? null;
  return (
    <>
      <PageHead
        title={job === null ? 'One job' : `Job: ${jobTitles[job.action]}`}
        command={job === null ? 'mirror audit list' : `mirror audit list --action ${job.action}`}
      />
      {query.isError ? <Failure error={query.error} onRetry={() => void query.refetch()} /> : null}
      {job === null ? query.isError ? null : <Waiting /> : <Body job={job} />}
    </>
  );
}

/** The new letters have the messages, where the link leads. */
const cameBackColumns = causeColumns.filter(({ id }) => id !== 'message');

const colours: Record<JobAnswer['state'], string> = {
  running: '',
  waiting: '',
  interrupted: 'warn',
  stopped: 'warn',
  done: 'good',
  failed: 'bad',
};

function Body({ job }: { readonly job: JobAnswer }) {
  const { state, failure, cameBack, canary, watchesUntil } = job;
  const percent = jobPercent(job);
  return (
    <Stack gap="lg">
      <div>
        <p className={`sentence ${colours[state]}`} role="status">
          {jobState(job)}
        </p>
        <Text>{jobProgress(job)}</Text>
        {canary?.until === null || canary === null ? null : (
          <Text size="sm" c="dimmed">
            At most until <Time at={canary.until} />. When none of them comes back, the rest follows.
          </Text>
        )}
        {watchesUntil === null ? null : (
          <Text size="sm" c="dimmed">
            It watches what comes back until <Time at={watchesUntil} />.
          </Text>
        )}
      </div>
      <Progress value={percent} size="lg" aria-label={`Progress: ${percent} percent`} />
      {failure === null ? null : (
        <Alert color={state === 'failed' ? 'red' : 'yellow'} variant="outline" title={failure.message}>
          {failure.remedy === null ? null : <Text size="sm">{failure.remedy}</Text>}
          <span className="mono dim">{failure.code}</span>
        </Alert>
      )}
      <Controls job={job} />
      {cameBack.letters === 0 ? null : (
        <Stack gap={4} component="section">
          <Title order={2}>Came back, by cause</Title>
          <CausesTable label="Causes of the letters that came back" causes={cameBack.causes} columns={cameBackColumns} />
        </Stack>
      )}
      <Fields of={fieldsOf(job)} />
      <Group gap="md">
        {job.action.startsWith('dead_letters') ? <PageLink to="/dead-letters">Dead letters</PageLink> : null}
        {job.replayId === null ? null : (
          <PageLink to="/replays/$id" params={{ id: job.replayId }}>
            The replay
          </PageLink>
        )}
        <PageLink to="/audit" search={{ action: job.action }}>
          Audit
        </PageLink>
      </Group>
    </Stack>
  );
}

const actions: Record<JobAction, ActionName> = {
  'dead_letters.redrive': 'redrive',
  'dead_letters.drop': 'drop',
  'replay.run': 'replay',
  'replay.switch': 'replaySwitch',
};

/** Stop, and go on. */
function Controls({ job: { id, action, canStop, canContinue } }: { readonly job: JobAnswer }) {
  const client = useQueryClient();
  const whyNot = useWhyNot(actions[action]);
  const { queryKey } = jobQuery(id);
  const follow = (answer: JobAnswer) => {
    client.setQueryData(queryKey, answer);
    // Its stream ended when it stopped. Not waited for: it is there until the job has ended.
    void client.invalidateQueries({ queryKey });
  };
  const stop = useMutation({ mutationFn: async () => stopJob(id), onSuccess: follow });
  const resume = useMutation({ mutationFn: async () => continueJob(id), onSuccess: follow });
  const why = whyNot ?? (canStop || canContinue ? null : 'It has ended: there is nothing to stop or to continue.');
  const error = stop.error ?? resume.error;
  return (
    <Stack gap="xs">
      <Group gap="sm">
        <Button
          variant="default"
          data-acts
          aria-describedby="why-not-job"
          disabled={why !== null || !canStop}
          loading={stop.isPending}
          onClick={() => stop.mutate()}
        >
          Stop
        </Button>
        <Button
          variant="default"
          data-acts
          aria-describedby="why-not-job"
          disabled={why !== null || !canContinue}
          loading={resume.isPending}
          onClick={() => resume.mutate()}
        >
          Continue
        </Button>
        <Text size="sm" c="dimmed" id="why-not-job">
          {why ?? (canStop ? 'What is done stays done; the rest can be continued later.' : 'It goes on with what is left.')}
        </Text>
      </Group>
      {error === null ? null : <Failure error={error} />}
    </Stack>
  );
}

function fieldsOf(job: JobAnswer): readonly (readonly [string, ReactNode])[] {
  const { action, done, left, who, via, reason, startedAt, endedAt, counts } = job;
  return [
    ...(action === 'replay.switch'
      ? []
      : ([
          ['Done', figure(done)],
          ['Left', figure(left)],
        ] as const)),
    ...(action === 'dead_letters.redrive' ? redriveFields(job) : []),
    ['By', via === 'cli' ? `${who}, by the command` : who],
    ['Reason', <span className="any">{reason ?? '–'}</span>],
    ['Started', <Time at={startedAt} />],
    ['Ended', <Time at={endedAt} />],
    ['Results', reasonsText(counts)],
  ];
}

function redriveFields({ failed, cameBack, canary, perSecond }: JobAnswer) {
  return [
    ['Refused as they are', figure(failed)],
    ['Came back', figure(cameBack.letters)],
    ['Canary', canary === null ? 'none' : `the first ${figure(canary.letters)}`],
    ['At most', perSecond === null ? '–' : `${figure(perSecond)} a second`],
  ] as const;
}
