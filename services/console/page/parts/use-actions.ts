import { useQuery } from '@tanstack/react-query';
import type { ActionName } from '../../src/answers/me.ts';
import { me } from '../api.ts';
import { useIsOutdated } from '../version.ts';

/** Why the reader, or this console, may not do it; null: it may. Also refused while that is unknown, and while the page is older than the server. */
export function useWhyNot(action: ActionName): string | null {
  const { data } = useQuery(me);
  const isOutdated = useIsOutdated();
  if (isOutdated) return 'Reload the page first.';
  if (data === undefined) return 'It is not known yet whether you may.';
  const state = data.actions[action];
  return state.allowed ? null : state.why;
}
