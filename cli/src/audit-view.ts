import type { ActionTarget, OperatorAction } from '@notion-mirror/mirror-store/operator-actions';
import { count, oneLine } from '@notion-mirror/operations/text';
import { table, type Cell, type Colors } from './output.ts';

export function renderActions(actions: readonly OperatorAction[], hasMore: boolean, colors: Colors): string {
  if (actions.length === 0) return 'No action of an operator is stored (they are kept for 400 days).';
  const head = ['AT', 'WHO', 'ACTION', 'TENANT', 'ABOUT', 'RESULT', 'REASON'].map((text): Cell => ({ text, style: colors.dim }));
  const lines = actions.map((action): Cell[] => [
    action.at.toISOString(),
    oneLine(action.via === 'cli' ? action.who : `${action.who} (${action.via})`),
    action.action,
    oneLine(action.workspaceId ?? '–'),
    oneLine(targetText(action.target)),
    { text: resultText(action), style: styleOf(action.outcome, colors) },
    oneLine(action.reason ?? '–'),
  ]);
  const more = hasMore ? `The last ${actions.length}; --last shows more.` : `${count(actions.length, 'action')}.`;
  return [table([head, ...lines]), more].join('\n');
}

function styleOf(outcome: OperatorAction['outcome'], colors: Colors): Colors['green'] {
  switch (outcome) {
    case 'done':
      return colors.green;
    case 'failed':
      return colors.red;
    case 'begun':
    case 'interrupted':
    case 'stopped':
      return colors.yellow;
  }
}

function targetText(target: ActionTarget): string {
  const words = Object.entries(target).map(([name, value]) => `${name} ${typeof value === 'object' ? value.join(',') : String(value)}`);
  return words.length === 0 ? '–' : words.join(', ');
}

function resultText({ outcome, counts, failure }: OperatorAction): string {
  const numbers = Object.entries(counts).flatMap(([name, number]) => (number === 0 ? [] : [`${name} ${number}`]));
  return [failure === null ? outcome : `${outcome}: ${oneLine(failure)}`, ...numbers].join(', ');
}
