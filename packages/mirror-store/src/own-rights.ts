import type { Db } from 'mongodb';
import { collectionNames } from './collections.ts';
import { orUnavailable } from './errors.ts';

/** A collection, and what is done in it by the names of MongoDB's actions: `insert`, `update`, … `records`: all that hold records, and their shadows. */
export interface WantedRight {
  readonly on: keyof typeof collectionNames | 'records';
  readonly actions: readonly string[];
}

/** What MongoDB lets this process do. */
export interface OwnRights {
  /** Those that are missing, in words. */
  missing(wanted: readonly WantedRight[]): readonly string[];
}

interface Privilege {
  readonly resource: { readonly db?: string; readonly collection?: string; readonly anyResource?: boolean };
  readonly actions: readonly string[];
}

interface Status {
  readonly authInfo: { readonly authenticatedUsers: readonly unknown[]; readonly authenticatedUserPrivileges?: readonly Privilege[] };
}

/** `records`: the names of the collections of records. Rejects with a `StoreUnavailableError`. */
export async function readOwnRights(db: Db, records: readonly string[]): Promise<OwnRights> {
  const status = await orUnavailable('the rights could not be read', async () => db.command({ connectionStatus: 1, showPrivileges: true }));
  const { authenticatedUsers, authenticatedUserPrivileges = [] } = (status as unknown as Status).authInfo;
  // A server without authentication lets everyone do everything.
  const isFree = authenticatedUsers.length === 0;

  function may(collection: string, action: string): boolean {
    return authenticatedUserPrivileges.some(({ resource, actions }) => actions.includes(action) && covers(resource, collection));
  }
  function covers({ db: name, collection: of, anyResource }: Privilege['resource'], collection: string): boolean {
    if (anyResource === true) return true;
    if (name === undefined || of === undefined) return false;
    return (name === '' || name === db.databaseName) && (of === '' || of === collection);
  }

  return {
    missing: (wanted) =>
      isFree
        ? []
        : wanted.flatMap(({ on, actions }) => {
            const names = on === 'records' ? records : [collectionNames[on]];
            return names.flatMap((name) => {
              const not = actions.filter((action) => !may(name, action));
              return not.length === 0 ? [] : [`${not.join(' and ')} in ${name}`];
            });
          }),
  };
}
