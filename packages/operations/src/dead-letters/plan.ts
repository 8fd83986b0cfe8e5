import type { LogRange } from '@notion-mirror/event-log/range-reader';
import { createCauses, type Causes } from './causes.ts';
import { refOf, type LetterFilter } from './filter.ts';
import type { DeadLetterTopic, Letter } from './topic.ts';
import { OperatorError } from '../operator-error.ts';
import type { LogPlace } from '../log-place.ts';
import type { Route, Signers } from './webhook-redelivery.ts';

export type Action = 'redrive' | 'drop';

/** A letter that came back from this many redrives is most likely poison. */
export const maxRedrives = 5;

/** Where redriven letters can go. */
export interface Destinations {
  readonly events: string;
  readonly ingressUrl: string | null;
  readonly signers: Signers;
}

/** An action and its letters, from those on the topic when the plan was made. */
export interface Plan {
  readonly action: Action;
  readonly ranges: readonly LogRange[];
  /** The chosen letters, as `refOf` names them. */
  readonly refs: ReadonlySet<string>;
  readonly causes: Causes;
  /** The number of letters by target: a topic, or a route of the ingress. */
  readonly targets: ReadonlyMap<string, number>;
  /** Matching letters that are already settled. */
  readonly settled: number;
  /** Matching, waiting letters that are left unchanged, by reason. */
  readonly heldBack: ReadonlyMap<string, number>;
  /** The ranges of the whole topic when the plan was made. */
  readonly ends: readonly LogRange[];
}

/** The words for what an operator can change about a plan, where they ask for it. */
export interface PlanHints {
  readonly force: string;
  readonly ingressUrl: string;
}

const commandHints: PlanHints = { force: '--force does it again', ingressUrl: 'give its address with --ingress-url' };

/** `refs` null: all matching letters. Throws an OperatorError when a named letter does not exist. */
export async function makePlan(
  letters: DeadLetterTopic,
  choice: {
    readonly action: Action;
    readonly refs: readonly LogPlace[] | null;
    readonly filter: LetterFilter;
    readonly isForced: boolean;
    readonly destinations: Destinations;
    /** More letters are held back. */
    readonly limit?: number;
    readonly hints?: PlanHints;
    readonly onChosen?: (letter: Letter) => Promise<void>;
  },
): Promise<Plan> {
  const { action, refs, filter, isForced, destinations, limit = Infinity, hints = commandHints, onChosen } = choice;
  const ends = await letters.ends();
  const named = refs === null ? null : new Set(refs.map(refOf));
  const ranges = refs === null ? ends : rangesAround(refs, ends);
  const chosen = new Set<string>();
  const causes = createCauses();
  const targets = new Map<string, number>();
  const heldBack = new Map<string, number>();
  let settled = 0;
  await letters.read(ranges, async (batch) => {
    for (const letter of batch) {
      if ((named !== null && !named.has(refOf(letter))) || !filter(letter)) continue;
      const whyTooMany = chosen.size >= limit ? `more than ${limit} at once: make another plan afterwards` : null;
      const reason = (action === 'drop' ? null : reasonAgainst(letter, destinations, isForced, hints)) ?? whyTooMany;
      if (letter.settlement !== null) settled += 1;
      else if (reason !== null) heldBack.set(reason, (heldBack.get(reason) ?? 0) + 1);
      else {
        chosen.add(refOf(letter));
        causes.add(letter, false);
        await onChosen?.(letter);
        if (action === 'redrive') {
          const target = targetOf(letter);
          targets.set(target, (targets.get(target) ?? 0) + 1);
        }
      }
    }
    return 'more';
  });
  return { action, ranges, refs: chosen, causes, targets, settled, heldBack, ends };
}

/** The smallest ranges that contain the named letters. Throws an OperatorError when one is not on the topic. */
export function rangesAround(refs: readonly LogPlace[], ends: readonly LogRange[]): LogRange[] {
  const around = new Map<number, LogRange>();
  for (const ref of refs) {
    const { partition, offset } = ref;
    const end = ends.find((range) => range.partition === partition);
    if (end === undefined || offset < end.from || offset >= end.to) {
      throw new OperatorError('unknown_dead_letter', `there is no dead letter ${refOf(ref)} (any more)`, {
        remedy: 'mirror dead-letters list --records',
      });
    }
    const known = around.get(partition) ?? { partition, from: offset, to: offset + 1n };
    around.set(partition, {
      partition,
      from: offset < known.from ? offset : known.from,
      to: offset >= known.to ? offset + 1n : known.to,
    });
  }
  return [...around.values()];
}

const signingVariables: Readonly<Record<Route, string>> = {
  nango: 'MIRROR_NANGO_SIGNING_KEYS',
  notion: 'MIRROR_NOTION_VERIFICATION_TOKENS',
};

function reasonAgainst(
  { redrive, redrives }: Letter,
  { events, ingressUrl, signers }: Destinations,
  isForced: boolean,
  hints: PlanHints,
): string | null {
  if (redrives >= maxRedrives && !isForced) return `redriven ${maxRedrives} times or more already: ${hints.force}`;
  switch (redrive.to) {
    case 'nowhere':
      return 'does not say where it came from';
    case 'log':
      return redrive.topic === events ? null : `came from another topic than ${events}`;
    case 'ingress':
      if (ingressUrl === null) return `a webhook for the ingress: ${hints.ingressUrl}`;
      if (signers[redrive.route] === null)
        return `a webhook by ${redrive.route}, and there is nothing to sign it with: set ${signingVariables[redrive.route]}`;
      return null;
  }
}

function targetOf({ redrive }: Letter): string {
  switch (redrive.to) {
    case 'log':
      return redrive.topic;
    case 'ingress':
      return `/webhooks/${redrive.route}`;
    case 'nowhere':
      return '';
  }
}
