import { Alert, Button, Checkbox, Group, List, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import type { PlanAnswer, PlanOrder } from '../../src/answers/plans.ts';
import { plan as planQuery, runPlan } from '../api.ts';
import { CausesTable } from '../parts/causes-table.tsx';
import { DataTable, type Column } from '../parts/data-table.tsx';
import { Empty, Failure } from '../parts/failure.tsx';
import { criteriaOf, filterText, letterCommand } from '../parts/letter-filter.ts';
import { PageLink, TenantLink } from '../parts/link.tsx';
import { PageHead } from '../parts/page-head.tsx';
import { Answer } from '../parts/panel.tsx';
import { CommandWithReason, ReasonField, TypedField } from '../parts/reason-field.tsx';
import { count, figure } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useWhyNot } from '../parts/use-actions.ts';

const titles = { redrive: 'Redrive dead letters', drop: 'Drop dead letters' } as const;

/** What would be done, before it is done. The letters are those that waited when the plan was made. */
export function LetterPlan() {
  const { action = 'redrive', refs, force, ...filter } = useSearch({ from: '/dead-letters/plan' });
  const why = useWhyNot(action);
  const places = refs?.split(',');
  const criteria = criteriaOf(filter);
  const isEmpty = places === undefined && Object.keys(criteria).length === 0;
  const order: PlanOrder = {
    action,
    ...(places === undefined ? { filter: criteria } : { refs: places }),
    ...(force === '1' ? { force: true } : {}),
  };
  return (
    <>
      <PageHead title={titles[action]} command={`${letterCommand(order)} --dry-run`} />
      {isEmpty ? (
        <Empty>
          Nothing is chosen. <PageLink to="/dead-letters">Choose a cause, a filter or some letters</PageLink>
        </Empty>
      ) : why === null ? (
        <Planned order={order} />
      ) : (
        <Empty command={letterCommand(order)}>{why}</Empty>
      )}
    </>
  );
}

function Planned({ order }: { readonly order: PlanOrder }) {
  const query = useQuery(planQuery(order));
  const navigate = useNavigate({ from: '/dead-letters/plan' });
  const { action, refs, filter, force = false } = order;
  return (
    <>
      <p className="sentence any">
        {refs === undefined ? `All that wait, of ${filterText(filter ?? {})}` : count(refs.length, 'chosen letter')}
      </p>
      {action === 'redrive' ? (
        <Checkbox
          my="sm"
          label="Also letters that came back from five redrives"
          checked={force}
          onChange={(event) => {
            const next = event.currentTarget.checked ? '1' : '';
            void navigate({ search: (known) => ({ ...known, force: next }), replace: true });
          }}
        />
      ) : null}
      <Answer query={query}>{(plan) => <Plan key={plan.id} plan={plan} order={order} onAgain={() => void query.refetch()} />}</Answer>
    </>
  );
}

interface PlanProps {
  readonly plan: PlanAnswer;
  readonly order: PlanOrder;
  readonly onAgain: () => void;
}

function Plan({ plan, order, onAgain }: PlanProps) {
  const { action, letters, tenants, causes, byTenant, moreTenants, targets, heldBack, settled, notionCalls, expiresAt } = plan;
  return (
    <Stack gap="lg">
      <Stack gap="xs" component="section">
        <Title order={2}>{letters === 0 ? 'Nothing to do' : `${count(letters, 'letter')} of ${count(tenants, 'tenant')}`}</Title>
        <Text size="sm" c="dimmed">
          {letters === 0 ? (
            'None of them waits: they may have been redriven or dropped since.'
          ) : (
            <>
              These letters, and none that come later. The plan is kept until <Time at={expiresAt} />.
            </>
          )}{' '}
          <Button variant="default" size="compact-xs" onClick={onAgain}>
            Plan again
          </Button>
        </Text>
        {causes.length === 0 ? null : <CausesTable label="Letters of the plan, by cause" causes={causes} />}
        {byTenant.length === 0 ? null : <Tenants byTenant={byTenant} more={moreTenants} />}
        <List size="sm">
          {targets.map(({ target, letters: some }) => (
            <List.Item key={target}>
              {count(some, 'letter')} to <span className="id">{target}</span>
            </List.Item>
          ))}
          {action === 'drop' && letters > 0 ? (
            <List.Item>Dropped letters are not handled any more. They stay on the topic until it forgets them.</List.Item>
          ) : null}
          {settled === 0 ? null : <List.Item>{count(settled, 'letter')} settled already, and left out</List.Item>}
          {letters === 0 ? null : <List.Item>{callsText(notionCalls)}</List.Item>}
        </List>
      </Stack>
      {heldBack.length === 0 ? null : (
        <Alert color="yellow" variant="outline" title="Held back">
          <List size="sm">
            {heldBack.map(({ reason, letters: some }) => (
              <List.Item key={reason}>
                {count(some, 'letter')}: {reason}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
      {letters === 0 ? <PageLink to="/dead-letters">Dead letters</PageLink> : <Run plan={plan} order={order} onAgain={onAgain} />}
    </Stack>
  );
}

const tenantColumns: readonly Column<PlanAnswer['byTenant'][number]>[] = [
  { id: 'tenant', header: 'Tenant', cell: ({ workspaceId }) => <TenantLink workspaceId={workspaceId} longest={40} /> },
  { id: 'letters', header: 'Letters', isNumber: true, cell: ({ letters }) => figure(letters) },
];

function Tenants({ byTenant, more }: { readonly byTenant: PlanAnswer['byTenant']; readonly more: number }) {
  return (
    <>
      <DataTable
        label="Letters of the plan, by tenant"
        columns={tenantColumns}
        rows={byTenant}
        keyOf={({ workspaceId }) => workspaceId ?? ''}
      />
      {more === 0 ? null : (
        <Text size="sm" c="dimmed">
          and {count(more, 'more tenant')}
        </Text>
      )}
    </>
  );
}

function callsText(calls: number | null): string {
  if (calls === null) return 'How many calls to Notion it takes is not known';
  return calls === 0 ? 'No call to Notion' : `About ${count(calls, 'call')} to Notion`;
}

const canaryLetters = 5;
const defaultPerSecond = 50;

function Run({ plan, order, onAgain }: PlanProps) {
  const { id, action, letters, confirmCount } = plan;
  const [reason, setReason] = useState('');
  const navigate = useNavigate();
  const why = useWhyNot(action);
  const isRedrive = action === 'redrive';
  const run = useMutation({
    mutationFn: async (values: FormData) =>
      runPlan(id, {
        reason: reason.trim(),
        canary: isRedrive && values.get('canary') !== null,
        perSecond: isRedrive ? Number(values.get('perSecond')) : defaultPerSecond,
        ...(confirmCount ? { count: Number(values.get('typed')) } : {}),
      }),
    onSuccess: (job) => navigate({ to: '/jobs/$id', params: { id: job.id } }),
  });
  const command = letterCommand(order);
  return (
    <Stack gap="sm" component="section" maw={560}>
      <Title order={2}>Run it</Title>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate(new FormData(event.currentTarget));
        }}
      >
        <Stack gap="sm">
          {isRedrive ? (
            <>
              <Checkbox
                name="canary"
                defaultChecked
                label={`Canary: the first ${canaryLetters} letters alone`}
                description="The rest follows when none of them has come back within a minute."
              />
              <TextInput
                name="perSecond"
                type="number"
                min={1}
                max={1_000}
                required
                defaultValue={defaultPerSecond}
                label="At most, letters a second"
                w="14rem"
              />
            </>
          ) : null}
          <ReasonField value={reason} onValue={setReason} />
          {confirmCount ? <TypedField label={`Type the number of letters: ${letters}`} value={String(letters)} /> : null}
          <CommandWithReason command={command} reason={reason} />
          {run.isError ? <Failure error={run.error} onRetry={onAgain} retry="Plan again" /> : null}
          <Group gap="sm">
            <Button
              type="submit"
              {...(isRedrive ? {} : { color: 'red' })}
              loading={run.isPending}
              disabled={why !== null}
              data-acts
              aria-describedby="why-not-run"
            >
              {isRedrive ? 'Redrive' : 'Drop'} {count(letters, 'letter')}
            </Button>
            <Text size="sm" c="dimmed" id="why-not-run">
              {why ?? 'You can stop it at any time.'}
            </Text>
          </Group>
        </Stack>
      </form>
    </Stack>
  );
}
