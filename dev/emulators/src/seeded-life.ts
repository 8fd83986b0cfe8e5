import { setImmediate as turn } from 'node:timers/promises';
import type { LifeActionName, Situation } from './life/actions.ts';
import { lifeActions } from './life/actions.ts';
import { lookAround } from './life/surroundings.ts';
import { createUser } from './life/user.ts';
import type { Customer, EmulatorPair } from './pair.ts';
import type { Random } from './random.ts';
import { createRandom } from './random.ts';

export interface LifeAction {
  /** From 1. */
  readonly number: number;
  readonly customer: string;
  readonly name: LifeActionName;
  /** The id of the object acted on, or in. */
  readonly target: string;
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
 * Without `withUnannounced` Notion announces every action, so if no delivery is dropped, a mirror must end equal to the truth.
 */
export function createSeededLife({
  pair,
  workspaces,
  seed,
  withUnannounced = false,
  weights = {},
}: {
  pair: Pick<EmulatorPair, 'notion' | 'addCustomer'>;
  /** How many to add, or existing customers. */
  workspaces: number | readonly Customer[];
  seed: string | number;
  withUnannounced?: boolean;
  /** Overrides the actions' own weights; 0 excludes one. */
  weights?: Partial<Record<LifeActionName, number>>;
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
  }));
  let number = 0;

  const step = async (): Promise<LifeAction> => {
    const life = whose.pickAny(lives);
    if (life === undefined) throw new Error('A life needs at least one customer.');
    const { customer, user, random } = life;
    const situation: Situation = {
      customer,
      user,
      random,
      notion: pair.notion,
      around: lookAround(pair.notion, customer),
      withUnannounced,
    };
    for (;;) {
      const name = choose(random, withUnannounced, weights);
      const prepared = lifeActions[name].prepare(situation);
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

function choose(random: Random, withUnannounced: boolean, weights: Partial<Record<LifeActionName, number>>): LifeActionName {
  const names = Object.keys(lifeActions) as LifeActionName[];
  const weighted = names
    .filter((name) => withUnannounced || lifeActions[name].isAnnounced)
    .map((name) => ({ name, weight: weights[name] ?? lifeActions[name].weight }))
    .filter(({ weight }) => weight > 0);
  let left = random.next() * weighted.reduce((sum, { weight }) => sum + weight, 0);
  for (const { name, weight } of weighted) {
    left -= weight;
    if (left < 0) return name;
  }
  const last = weighted.at(-1);
  if (last === undefined) throw new Error('No action has a weight.');
  return last.name;
}
