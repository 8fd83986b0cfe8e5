import { expect, test } from 'vitest';
import { eventCommand } from './event-command.ts';

test('the command has the filters of the page', () => {
  expect(eventCommand({})).toBe('mirror events list');
  expect(eventCommand({ needsLook: '1', tenant: 'acme', outcome: 'parked,dead_letter', minMs: '1000', from: '2026-11-30T10:00:00Z' })).toBe(
    "mirror events list --needs-look --workspace-id acme --outcome 'parked,dead_letter' --min-ms 1000 --since 2026-11-30T10:00:00Z",
  );
  expect(eventCommand({ about: "a'; rm -rf /" })).toBe(String.raw`mirror events list --about 'a'\''; rm -rf /'`);
});
