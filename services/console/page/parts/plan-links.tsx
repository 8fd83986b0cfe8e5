import { Button, Group } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { LetterFilter } from '../../src/answers/plans.ts';
import { useWhyNot } from './use-actions.ts';

const ButtonLink = createLink(Button<'a'>);

interface Props {
  /** Which letters, for a person: what several links of a page differ in. */
  readonly about: string;
  /** One of the two. */
  readonly filter?: { readonly [name in keyof LetterFilter]?: string | undefined };
  readonly refs?: readonly string[];
  /** The element that says why it is not allowed. */
  readonly whyId: string;
  /** Why it makes no sense now. */
  readonly notNow?: string | null;
}

/** To the plan of redriving or dropping letters. Nothing is done there before it is confirmed. */
export function PlanLinks({ about, filter, refs, whyId, notNow = null }: Props) {
  const whyNot = { redrive: useWhyNot('redrive'), drop: useWhyNot('drop') };
  const search = refs === undefined ? { ...filter } : { refs: refs.join(',') };
  return (
    <Group gap={6} wrap="nowrap">
      {(['redrive', 'drop'] as const).map((action) => {
        const label = action === 'redrive' ? 'Redrive' : 'Drop';
        const looks = { variant: 'default', size: 'compact-xs', 'aria-label': `${label}: ${about}` } as const;
        return (whyNot[action] ?? notNow) === null ? (
          <ButtonLink key={action} {...looks} data-acts component="a" to="/dead-letters/plan" search={{ action, ...search }}>
            {label}…
          </ButtonLink>
        ) : (
          <Button key={action} {...looks} data-acts disabled aria-describedby={whyId}>
            {label}…
          </Button>
        );
      })}
    </Group>
  );
}
