import { Kbd, Table } from '@mantine/core';
import { Dialog } from './dialog.tsx';
import { sections } from './sections.ts';

const keys = [
  ['⌘K or /', 'find a tenant, an id, a Notion URL or a page'],
  ['j, k', 'next and previous row'],
  ['Enter', 'open the row'],
  ['Esc', 'leave the row, close a dialog'],
  ['l', 'live on or off, on the page of events'],
  ['?', 'this list'],
] as const;

/** The dialog that lists the keys. */
export function KeyList({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys" onClose={onClose}>
      <Table>
        <Table.Tbody>
          {[...keys, ...sections.map(({ letter, label }) => [`g ${letter}`, label] as const)].map(([key, does]) => (
            <Table.Tr key={key}>
              <Table.Th scope="row">
                <Kbd>{key}</Kbd>
              </Table.Th>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Dialog>
  );
}
