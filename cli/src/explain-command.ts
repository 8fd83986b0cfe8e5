import type { Command as Program } from 'commander';
import { canonicalNotionId } from '@notion-mirror/domain/notion-id';
import { configured, type Act, type ConfiguredContext } from './command-context.ts';
import { exitCode, usageError, type ExitCode } from './exit-code.ts';
import type { ExplainFacts } from '@notion-mirror/operations/explain/facts';
import type { RowFacts } from '@notion-mirror/operations/explain/row-facts';
import { subjectOf } from '@notion-mirror/operations/explain/subject';
import { gatherExplainFacts } from '@notion-mirror/operations/explain/gather-facts';
import { withheldText } from '@notion-mirror/operations/explain/withheld-values';
import { scanTraceOf, traceOf, traceText } from '@notion-mirror/operations/explain/trace';
import { causesOf, wayOf, type Cause } from '@notion-mirror/operations/explain/causes';
import { countOption, opaqueId } from './option-values.ts';
import { useMongo } from '@notion-mirror/operations/servers';
import { oneLine } from '@notion-mirror/operations/text';
import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import { explanationJson } from '@notion-mirror/operations/explain/explanation-json';
import { type Colors } from './output.ts';
import { renderSchemaChange } from './schema-view.ts';

interface ExplainOptions {
  readonly workspaceId?: string;
  readonly notion: boolean;
  readonly last: string;
}

export function addExplainCommand(program: Program, act: Act): void {
  program
    .command('explain')
    .description('traces a change from its webhook to its document, and explains why a database or row is not mirrored')
    .argument('<id>', 'a database, a data source, a row or an event: an id, or a Notion URL')
    .option('--workspace-id <tenant>', "only this tenant's")
    .option('--last <n>', 'number of events of a database or row, and of changes of properties', '3')
    .option('--no-notion', 'do not ask Notion')
    .addHelpText(
      'after',
      `
Examples:
  mirror explain https://www.notion.so/acme/Tasks-248104cd477e80fdb757e945d38000bd
  mirror explain 'https://www.notion.so/acme/Buy-kale-0f3b2c1d5a6e4b7c8d9e000000000001?pvs=4'
  mirror explain 367cba44-b6f3-4c92-81e7-6a2e9659efd4 --workspace-id acme

Exit code 0: the mirror equals Notion. 1: it does not, and each cause is named.`,
    )
    .action(async (text: string, options: ExplainOptions) => {
      await act(async (context) => explain(configured(context), text, options));
    });
}

async function explain(context: ConfiguredContext, text: string, options: ExplainOptions): Promise<ExitCode> {
  const { output, redact } = context;
  const last = countOption('--last', options.last, 100);
  const workspaceId = options.workspaceId === undefined ? null : opaqueId('tenant', '--workspace-id', options.workspaceId);
  const subject = subjectOf(text);
  if (subject === '' || (text.includes('//') && canonicalNotionId(subject) === null)) {
    throw usageError(`"${oneLine(text)}" names no database or row: a Notion URL ends with its id`);
  }
  const facts = await useMongo(context, async ({ db }) =>
    gatherExplainFacts(context, db, await createConnectionStore(db).list(), {
      subject,
      workspaceId,
      last,
      asksKafka: true,
      asksNotion: options.notion,
    }),
  );
  const causes = causesOf(facts, new Date());
  const isGood = causes.length === 0;
  const { traceUrl } = context.config;
  output.result(isGood, explanationJson(facts, causes, { redact, traceUrl }), (colors) =>
    redact(renderExplanation(facts, causes, { colors, traceUrl })),
  );
  return isGood ? exitCode.ok : exitCode.failed;
}

/** Where the row is, whether the mirror has that table completely, and what Notion does not return of the row. */
function rowWords({ dataSourceId, isArchived, contents, withheld }: RowFacts): string[] {
  if (dataSourceId === null) return [];
  const state = contents === null ? 'not followed' : contents.state;
  const asOf = contents === null || contents.completeAsOf === null ? '' : `, complete as of ${contents.completeAsOf.toISOString()}`;
  return [
    `    ${isArchived === true ? 'archived, ' : ''}in the data source ${dataSourceId} (${state}${asOf})`,
    ...withheld.map((value) => `    ${withheldText(value)}`),
  ];
}

function renderExplanation(
  facts: ExplainFacts,
  causes: readonly Cause[],
  { colors, traceUrl }: { readonly colors: Colors; readonly traceUrl: string | undefined },
): string {
  const { subject, kind, id, tenants, outcomes } = facts;
  const lines = [colors.bold(id === null || id === subject ? subject : `${oneLine(subject)}, of the ${kind.name} ${id}`)];
  for (const { workspaceId, record, notion, row } of tenants) {
    const is =
      record === null
        ? 'no record'
        : `${record.live ? 'mirrored' : `a tombstone (${record.removed?.reason ?? ''})`}, revision ${record.rev}`;
    const asOf = record === null ? '' : `, as of ${new Date(record.asOf).toISOString()}`;
    lines.push(`tenant ${oneLine(workspaceId)}: ${is}${asOf}${notion?.kind === 'equal' ? colors.green('; equal to Notion') : ''}`);
    if (row !== null) lines.push(...rowWords(row));
  }
  for (const { text, remedy } of causes) {
    lines.push(`${colors.yellow('!')} ${oneLine(text)}`);
    if (remedy !== null) lines.push(`    ${colors.cyan('→')} ${oneLine(remedy)}`);
  }
  if (causes.length === 0) lines.push(colors.green('No problem found.'));
  for (const outcome of outcomes) {
    const [head = '', ...way] = wayOf(outcome);
    const trace = traceOf(outcome, traceUrl);
    const scanTrace = scanTraceOf(outcome, traceUrl);
    if (trace !== null) way.push(traceText(trace));
    if (scanTrace !== null) way.push(`left to a comparison with Notion: ${traceText(scanTrace)}`);
    lines.push('', oneLine(head), ...way.map((line) => `    ${oneLine(line)}`));
  }
  if (outcomes.length === 0) lines.push('No event of it is stored (they are kept for MIRROR_OUTCOME_RETENTION_DAYS).');
  for (const change of tenants.flatMap(({ schemaChanges }) => schemaChanges ?? [])) lines.push('', ...renderSchemaChange(change, colors));
  return lines.join('\n');
}
