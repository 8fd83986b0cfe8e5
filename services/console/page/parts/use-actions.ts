import { useQuery } from '@tanstack/react-query';
import type { ActionName, ActionState } from '../../src/answers/me.ts';
import { me } from '../api.ts';
import { useIsOutdated } from '../version.ts';

/** What the reader may do; nothing while it is unknown, or while the page is older than the server. */
export function useActions(): { readonly [name in ActionName]?: ActionState } {
  const { data } = useQuery(me);
  const isOutdated = useIsOutdated();
  if (data === undefined || isOutdated) return {};
  return data.actions;
}
