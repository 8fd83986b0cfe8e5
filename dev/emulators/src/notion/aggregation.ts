import type { Occurrence } from './announcer.ts';

/** Whether Notion aggregates events of this type. */
export function isAggregated(type: string): boolean {
  return type !== 'page.locked' && type !== 'page.unlocked';
}

/**
 * Merges the events of one entity within a window as Notion does ("the most meaningful result event, or none at all
 * if the state returns to its original one"):
 * `created`, `deleted` or `undeleted` alone when the entity was created, deleted or restored; nothing when it was created and deleted again;
 * otherwise one event per type of change. A merged event has the time of its last part and all authors.
 * `leavesTrace`: the entity is still shown somewhere after it was trashed, so that its creation and deletion do not cancel each other out.
 */
export function aggregate(occurrences: readonly Occurrence[], { leavesTrace = false } = {}): Occurrence[] {
  const lifecycle = occurrences.filter(({ type }) => /\.(created|deleted|undeleted)$/.test(type));
  const first = eventOf(lifecycle[0]);
  const last = lifecycle.at(-1);
  const wasThere = first === null || first === 'deleted';
  const isThere = last === undefined || eventOf(last) !== 'deleted';
  if (!isThere) return (wasThere || leavesTrace) && last !== undefined ? [last] : [];
  if (wasThere) return merged(occurrences.filter((occurrence) => !lifecycle.includes(occurrence)));
  const latest = occurrences.at(-1);
  const meaningful = first === 'created' ? lifecycle[0] : last;
  return meaningful === undefined || latest === undefined
    ? []
    : [{ ...meaningful, at: latest.at, parent: latest.parent, seenBy: latest.seenBy }];
}

function eventOf(occurrence: Occurrence | undefined): string | null {
  return occurrence?.type.split('.')[1] ?? null;
}

function merged(occurrences: readonly Occurrence[]): Occurrence[] {
  const byType = Map.groupBy(occurrences, ({ type }) => type);
  return [...byType.values()].flatMap((group) => {
    const last = group.at(-1);
    return last === undefined ? [] : [mergeAll(group, last)];
  });
}

function mergeAll(group: readonly Occurrence[], last: Occurrence): Occurrence {
  const blocks = unique(
    group.flatMap(({ updatedBlocks = [] }) => updatedBlocks),
    ({ id }) => id,
  );
  const properties = unique(
    group.flatMap(({ updatedProperties = [] }) => updatedProperties),
    ({ id }) => id,
  );
  const propertyIds = [...new Set(group.flatMap(({ updatedPropertyIds = [] }) => updatedPropertyIds))];
  return {
    ...last,
    authors: unique(
      group.flatMap(({ authors }) => authors),
      ({ id }) => id,
    ),
    ...(last.updatedBlocks === undefined ? {} : { updatedBlocks: blocks }),
    ...(last.updatedProperties === undefined ? {} : { updatedProperties: properties }),
    ...(last.updatedPropertyIds === undefined ? {} : { updatedPropertyIds: propertyIds }),
  };
}

/** The last item of each id. */
function unique<T>(items: readonly T[], idOf: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [idOf(item), item])).values()];
}
