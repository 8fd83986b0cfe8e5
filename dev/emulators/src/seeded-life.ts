import { setImmediate as turn } from 'node:timers/promises';
import type { LifeActionName } from './life/actions.ts';
import { lifeActions } from './life/actions.ts';
import type { RowActionKind, RowActionName, RowSituation } from './life/row-actions.ts';
import { rowActions } from './life/row-actions.ts';
import { lookAround } from './life/surroundings.ts';
import { createUser } from './life/user.ts';
import type { Customer, EmulatorPair } from './pair.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';

export interface LifeAction {
  /** From 1. */
  readonly number: number;
  readonly customer: string;
  readonly name: LifeActionName | RowActionName;
  /** The id of the object acted on, or in. */
  readonly target: string;
}

/** How much users work on rows. */
export interface RowLife {
  /** The share of actions on rows among all, from 0 to 1. */
  readonly share: number;
  /** No rows are added when a customer has this many live ones; restoring can make them more. Default 120. */
  readonly most?: number | undefined;
}

export interface SeededLife {
  readonly seed: string;
  readonly customers: readonly Customer[];
  /** Performs one action and resolves with Notion's response. */
  step(): Promise<LifeAction>;
  /** Performs `count` actions in sequence. */
  run(count: number, onAction?: (action: LifeAction) => void): Promise<readonly LifeAction[]>;
}

/**
 * Simulates users in their workspaces: random actions through Notion's REST API with the owners' tokens, and through the control API only where
 * Notion has no endpoint. The same seed gives the same actions; with the same seed in the pair too, even the same ids.
 * Without `withUnannounced` Notion announces every action, so if no delivery is dropped, a mirror must end equal to the truth. For the rows in it
 * that holds only once every data source was scanned: Notion announces neither that a row was archived nor values that follow other rows.
 */
export function createSeededLife({
  pair,
  workspaces,
  seed,
  withUnannounced = false,
  weights = {},
  rows = { share: 0 },
}: {
  pair: Pick<EmulatorPair, 'notion' | 'addCustomer'>;
  /** How many to add, or existing customers. */
  workspaces: number | readonly Customer[];
  seed: string | number;
  withUnannounced?: boolean;
  /** Overrides the actions' own weights; 0 excludes one. */
  weights?: Weights;
  /** Default: only the few rows that are created, renamed and trashed among the other actions. */
  rows?: RowLife;
}): SeededLife {
  const root = createRandom(`life ${seed}`);
  const whose = root.fork('whose turn');
  const customers =
    typeof workspaces === 'number'
      ? Array.from({ length: workspaces }, (_, index) => pair.addCustomer({ name: `Customer ${index + 1}` }))
      : workspaces;
  const lives = customers.map((customer, index) => ({
    customer,
    user: createUser({ notionUrl: pair.notion.url, token: customer.ownerToken }),
    random: root.fork(`customer ${index}`),
    // A stream of its own: without actions on rows, the other actions stay the same.
    onRows: root.fork(`customer ${index} on rows`),
  }));
  const otherActions = weighted(lifeActions, weights).filter(({ name }) => withUnannounced || lifeActions[name].isAnnounced);
  const actionsOnRows = weighted(rowActions, weights);
  let number = 0;

  const step = async (): Promise<LifeAction> => {
    const life = whose.pickAny(lives);
    if (life === undefined) throw new Error('A life needs at least one customer.');
    const around = lookAround(pair.notion, life.customer);
    const actsOnRows = life.onRows.chance(rows.share) && around.liveSources.length > 0;
    const random = actsOnRows ? life.onRows : life.random;
    const { customer, user } = life;
    const situation: RowSituation = { customer, user, random, notion: pair.notion, around, withUnannounced, mostRows: rows.most ?? 120 };
    for (;;) {
      const { name, prepare } = choose(actsOnRows ? actionsOnRows : otherActions, random);
      const prepared = prepare(situation);
      if (prepared === null) {
        // Draw again, yielding to the event loop.
        await turn();
        continue;
      }
      await prepared.run();
      number += 1;
      return { number, customer: customer.name, name, target: prepared.target };
    }
  };

  return {
    seed: String(seed),
    customers,
    step,
    run: async (count, onAction = () => {}) => {
      const done: LifeAction[] = [];
      while (done.length < count) {
        const one = await step();
        done.push(one);
        onAction(one);
      }
      return done;
    },
  };
}

type Weights = Partial<Record<LifeActionName | RowActionName, number>>;

interface Weighted<Name> extends RowActionKind {
  readonly name: Name;
}

function weighted<Name extends keyof Weights>(kinds: Readonly<Record<Name, RowActionKind>>, weights: Weights): Weighted<Name>[] {
  const named = (Object.keys(kinds) as Name[]).map((name) => ({ ...kinds[name], name, weight: weights[name] ?? kinds[name].weight }));
  return named.filter(({ weight }) => weight > 0);
}

function choose<Name>(kinds: readonly Weighted<Name>[], random: Random): Weighted<Name> {
  let left = random.next() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  for (const kind of kinds) {
    left -= kind.weight;
    if (left < 0) return kind;
  }
  const last = kinds.at(-1);
  if (last === undefined) throw new Error('No action has a weight.');
  return last;
}
