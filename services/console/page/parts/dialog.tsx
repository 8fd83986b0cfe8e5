import { Group, Modal } from '@mantine/core';
import { useLayoutEffect, type ReactNode } from 'react';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A dialog, open while it is there. Its head is no `header`, of which a page has one. */
export function Dialog({ title, onClose, children }: DialogProps) {
  useFocusReturn();
  return (
    <Modal opened onClose={onClose} withCloseButton={false}>
      <Group justify="space-between" wrap="nowrap" mb="xs">
        <Modal.Title className="any">{title}</Modal.Title>
        <Modal.CloseButton aria-label="Close" />
      </Group>
      {children}
    </Modal>
  );
}

/** To what had the focus before; to the page's heading if that is gone. Mantine's own does not work for a dialog that begins open. */
function useFocusReturn(): void {
  useLayoutEffect(() => {
    const before = document.activeElement;
    return () => {
      // After the key that has closed it, which would leave what it finds focused.
      setTimeout(() => {
        const next = before instanceof HTMLElement && before.isConnected ? before : document.querySelector<HTMLElement>('main h1');
        next?.focus({ preventScroll: true });
      });
    };
  }, []);
}
