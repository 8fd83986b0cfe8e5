import { remainingOf, type Progress } from '@notion-mirror/operations/dead-letters/carry-out';
import { refOf } from '@notion-mirror/operations/dead-letters/filter';
import type { LetterDetails } from '@notion-mirror/operations/dead-letters/letter-details';
import { causeJson, eventJson, headersOf, problemOf, tenantsJson } from '@notion-mirror/operations/dead-letters/letter-json';
import type { LetterLine } from '@notion-mirror/operations/dead-letters/list-letters';
import type { Action, Plan } from '@notion-mirror/operations/dead-letters/plan';
import { count, oneLine } from '@notion-mirror/operations/text';
import type { JsonObject } from '@notion-mirror/domain/database-content';
import { minute, table, type Cell, type Colors } from './output.ts';
import { causeName, clip, renderCauses } from './dead-letter-cause-view.ts';

/** Removes configured secrets from a text. */
type Redact = (text: string) => string;

export function renderLetters(letters: readonly LetterLine[], colors: Colors, redact: Redact): string {
  const header = ['LETTER', 'FAILED', 'TENANT', 'EVENT TYPE', 'EVENT', 'CAUSE', 'MESSAGE'].map((text) => ({ text, style: colors.dim }));
  const rows = letters.map((letter): Cell[] => [
    letter.settlement === null ? refOf(letter) : { text: `${refOf(letter)} (${letter.settlement.action})`, style: colors.dim },
    minute(letter.failedAt),
    oneLine(letter.workspaceId ?? '–'),
    oneLine(letter.eventType ?? '–'),
    oneLine(letter.eventId ?? '–'),
    { text: causeName(letter.cause), style: colors.red },
    oneLine(clip(redact(letter.cause.message))),
  ]);
  return table([header, ...rows]);
}

export function renderDetails({ letter, value, preview }: LetterDetails, colors: Colors, redact: Redact): string {
  const { cause, service, attempts, firstFailedAt, failedAt, workspaceId, redrives, settlement, record } = letter;
  const state = settlement === null ? colors.yellow('waits') : colors.dim(`${settlement.action} ${settlement.at.toISOString()}`);
  const headers = headersOf(letter, redact);
  const original = new Map(headers.filter(([name]) => name.startsWith('dlq.original.')).map(([name, text]) => [name.slice(13), text]));
  const [topic, partition, offset, timestamp] = ['topic', 'partition', 'offset', 'timestamp'].map((name) => original.get(name) ?? '?');
  const came =
    letter.redrive.to === 'ingress'
      ? `a webhook to /webhooks/${letter.redrive.route}`
      : letter.redrive.to === 'log'
        ? oneLine(`${topic} ${partition}:${offset}, ${timestamp}`)
        : 'it does not say';
  const facts: [string, string][] = [
    ['cause', `${colors.red(causeName(cause))} ${oneLine(redact(cause.message))}`],
    ['by', `${oneLine(service)}, ${attempts === null ? 'attempts unknown' : count(attempts, 'attempt')}`],
    ['failed', `${failedAt.toISOString()}${firstFailedAt === null ? '' : `, first ${firstFailedAt.toISOString()}`}`],
    ['tenant', oneLine(workspaceId ?? '–')],
    ['came from', came],
    ['redriven', redrives === 0 ? 'never' : count(redrives, 'time')],
  ];
  const event = value.kind === 'event' ? eventJson(value) : null;
  const problem = problemOf(value, redact);
  const lines = [
    `dead letter ${colors.bold(refOf(letter))}: ${state}`,
    table(facts.map(([name, text]) => [{ text: `  ${name}`, style: colors.dim }, text])),
    '',
    colors.bold('headers'),
    table(headers.map(([name, text]) => [{ text: `  ${oneLine(name)}`, style: colors.dim }, oneLine(text)])),
    '',
    `${colors.bold('value')} ${record.value === null ? 'none' : count(record.value.length, 'byte')}`,
    ...(event === null
      ? []
      : [table(Object.entries(event).map(([name, text]) => [{ text: `  ${name}`, style: colors.dim }, oneLine(text ?? '–')]))]),
    ...(problem === null ? [] : [`  ${problem}`]),
    ...(preview === null ? [] : [`  ${colors.dim('text')}  ${preview.text}${preview.isCut ? '…' : ''}`]),
    ...(preview?.hex === null || preview === null ? [] : [`  ${colors.dim('hex')}   ${preview.hex}${preview.isCut ? '…' : ''}`]),
  ];
  return lines.join('\n');
}

const actionWords = {
  redrive: { verb: 'redrive', done: 'redriven' },
  drop: { verb: 'drop', done: 'dropped' },
} as const;

export function wordsOf(action: Action): { readonly verb: string; readonly done: string } {
  return actionWords[action];
}

export function planJson({ action, refs, causes, targets, settled, heldBack }: Plan, redact: Redact): JsonObject {
  return {
    action,
    letters: refs.size,
    tenants: causes.tenants,
    causes: causes.list().map((cause) => causeJson(cause, redact)),
    ...tenantsJson(causes),
    targets: Object.fromEntries(targets),
    settledAlready: settled,
    heldBack: Object.fromEntries(heldBack),
  };
}

export function renderPlan(plan: Plan, colors: Colors, redact: Redact, ingressUrl: string | null): string {
  const { action, refs, causes, targets, settled, heldBack } = plan;
  const { verb, done } = wordsOf(action);
  const will =
    action === 'drop'
      ? ['They are never handled; their databases are not updated until the next event.']
      : [...targets].map(([target, number]) =>
          target.startsWith('/')
            ? `${number} posted to ${ingressUrl ?? ''}${target}, to be read again`
            : `${number} appended to ${target} again`,
        );
  const lines = [
    refs.size === 0
      ? `Plan: nothing to ${verb}.`
      : `Plan: ${verb} ${colors.bold(count(refs.size, 'dead letter'))} of ${count(causes.tenants, 'tenant')}.`,
    ...(refs.size === 0
      ? []
      : [renderCauses(causes.list(), colors, redact), renderTenants(causes, colors), ...will.map((text) => `→ ${text}`)]),
    ...(settled === 0 ? [] : [`${settled} more ${settled === 1 ? 'matches and is' : 'match and are'} already settled: skipped.`]),
    ...[...heldBack].map(([reason, number]) =>
      colors.yellow(`${number} more ${number === 1 ? 'matches' : 'match'} but will not be ${done}: ${reason}.`),
    ),
  ];
  return lines.join('\n');
}

function renderTenants(causes: Plan['causes'], colors: Colors): string {
  const { byTenant, moreTenants } = tenantsJson(causes);
  const header = ['LETTERS', 'TENANT'].map((text) => ({ text, style: colors.dim }));
  const rows = byTenant.map(({ workspaceId, letters }): Cell[] => [String(letters), oneLine(workspaceId ?? '–')]);
  return [table([header, ...rows]), ...(moreTenants === 0 ? [] : [`and ${count(moreTenants, 'more tenant')}`])].join('\n');
}

export function progressJson(plan: Plan, progress: Progress, removed: number): JsonObject {
  const { done, words, unreadable, settledMeanwhile, stayed, failure } = progress;
  return {
    [wordsOf(plan.action).done]: done,
    answers: Object.fromEntries(words),
    stillUnreadable: unreadable,
    settledMeanwhile,
    stayed: stayed.map((one) => ({ ...one })),
    remaining: remainingOf(plan, progress),
    removed,
    failure,
  };
}

export function renderProgress(plan: Plan, progress: Progress, removed: number, colors: Colors): string {
  const { done, words, unreadable, settledMeanwhile, stayed, failure } = progress;
  const remaining = remainingOf(plan, progress);
  const answers = [...words].map(([word, number]) => `${number} ${word}`).join(', ');
  const lines = [
    `${colors.green(wordsOf(plan.action).done)} ${count(done, 'dead letter')}${answers === '' ? '' : ` (the ingress: ${answers})`}.`,
    ...(unreadable === 0
      ? []
      : [
          colors.yellow(
            `${count(unreadable, 'webhook')} cannot be read yet: on the topic again, as ${unreadable === 1 ? 'a new letter' : 'new letters'}.`,
          ),
        ]),
    ...(settledMeanwhile === 0 ? [] : [`${settledMeanwhile} settled by another command in the meantime.`]),
    ...stayed.map(({ ref, why }) => colors.yellow(`${ref} stays: ${why}.`)),
    ...(failure === null ? [] : [colors.red(`Stopped at ${failure}.`)]),
    ...(remaining === 0
      ? []
      : [`${count(remaining, 'dead letter')} of the plan still ${remaining === 1 ? 'waits' : 'wait'}. The same command continues there.`]),
    ...(removed === 0 ? [] : [`${count(removed, 'settled letter')} removed from the topic.`]),
  ];
  return lines.join('\n');
}
