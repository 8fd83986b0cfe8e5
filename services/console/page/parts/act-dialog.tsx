import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { Dialog } from './dialog.tsx';
import { Failure } from './failure.tsx';
import { CommandWithReason, ReasonField, TypedField } from './reason-field.tsx';

export interface ActDialogProps {
  readonly title: string;
  /** What follows from it. May hold further fields of the form. */
  readonly children: ReactNode;
  /** The command that does the same, without its reason. */
  readonly command: string;
  /** What must be typed, so that no habit confirms it. */
  readonly typed?: { readonly label: string; readonly value: string };
  /** Of the button. */
  readonly submit: string;
  readonly onAct: (reason: string, values: FormData) => Promise<void>;
  readonly onClose: () => void;
}

/** Asks before: what it does, why, and the command that does the same. */
export function ActDialog({ title, children, command, typed, submit, onAct, onClose }: ActDialogProps) {
  const [reason, setReason] = useState('');
  const act = useMutation({ mutationFn: async (values: FormData) => onAct(reason.trim(), values) });
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!act.isPending) act.mutate(new FormData(event.currentTarget));
        }}
      >
        <Stack gap="sm">
          <Text size="sm" component="div">
            {children}
          </Text>
          <ReasonField value={reason} onValue={setReason} />
          {typed === undefined ? null : <TypedField {...typed} />}
          <CommandWithReason command={command} reason={reason} />
          {act.isError ? <Failure error={act.error} /> : null}
          <Group justify="flex-end" gap="sm">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            {/* Not disabled meanwhile: it would lose the focus. */}
            <Button type="submit" aria-busy={act.isPending}>
              {act.isPending ? 'Asking…' : submit}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}
