import { Button, Group, Text } from '@mantine/core';
import { lazy, Suspense, useId, useState } from 'react';
import type { ActionName } from '../../src/answers/me.ts';
import type { ActDialogProps } from './act-dialog.tsx';
import { announce } from './announce.ts';
import { useWhyNot } from './use-actions.ts';

const ActDialog = lazy(async () => ({ default: (await import('./act-dialog.tsx')).ActDialog }));

interface ActProps extends Omit<ActDialogProps, 'onClose' | 'onAct' | 'submit'> {
  readonly action: ActionName;
  /** Of the button; the one in the dialog has the same. */
  readonly label: string;
  /** What the button is about, where several have the same label. */
  readonly about?: string;
  /** Why it makes no sense now, for any user. */
  readonly notNow?: string | null;
  /** The element that says why it is not allowed: in a table once for all rows. */
  readonly whyId?: string;
  /** Does it, and has what is shown loaded again. The text says what was done. */
  readonly onAct: (reason: string, values: FormData) => Promise<string>;
}

/** A button that changes something: a dialog says what, and asks for the reason. It is disabled, with the reason, for who may not. */
export function Act({ action, label, about, notNow = null, whyId, onAct, ...dialog }: ActProps) {
  const ownId = useId();
  const why = useWhyNot(action) ?? notNow;
  const [isOpen, setOpen] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  return (
    <>
      <Group gap="xs">
        <Button
          variant="default"
          size="compact-sm"
          disabled={why !== null}
          data-acts
          aria-haspopup="dialog"
          {...(about === undefined ? {} : { 'aria-label': `${label}: ${about}` })}
          {...(why === null ? {} : { 'aria-describedby': whyId ?? ownId })}
          onClick={() => {
            setSaid(null);
            setOpen(true);
          }}
        >
          {label}…
        </Button>
        {why === null || whyId !== undefined ? null : (
          <Text size="sm" c="dimmed" id={ownId}>
            {why}
          </Text>
        )}
        {said === null ? null : <Text size="sm">{said}</Text>}
      </Group>
      {isOpen ? (
        <Suspense fallback={null}>
          <ActDialog
            {...dialog}
            submit={label}
            onClose={() => setOpen(false)}
            onAct={async (reason, values) => {
              const text = await onAct(reason, values);
              announce(text);
              setSaid(text);
              setOpen(false);
            }}
          />
        </Suspense>
      ) : null}
    </>
  );
}

/** Why actions of the table below are not allowed; nothing where they are. */
export function WhyNot({ actions, id }: { readonly actions: readonly [ActionName, ActionName?]; readonly id: string }) {
  const [action, other = action] = actions;
  const all = [...new Set([useWhyNot(action), useWhyNot(other)])].filter((why) => why !== null);
  if (all.length === 0) return null;
  return (
    <Text size="sm" c="dimmed" id={id} mb={4}>
      {all.join(' ')}
    </Text>
  );
}
