/** A scan may remove this many rows that no connection can read, whatever their share of the data source. */
const fewRemovals = 20;
const removedShare = 0.2;
/** They are kept until the scan ends, and stored with its progress. */
export const mostRemovals = 10_000;

/**
 * Whether so many rows of a data source answer 404 that an operator is to decide: a connection may have lost its access, or Notion may be wrong.
 * Rows that say themselves that they are in the trash or elsewhere do not count.
 */
export function needsOperator(unreadable: number, held: number): boolean {
  return unreadable > fewRemovals && (unreadable > held * removedShare || unreadable > mostRemovals);
}
