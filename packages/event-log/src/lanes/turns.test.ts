import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

/** Takes turns until there is none, each using a slot. */
function takeAll(turns: ReturnType<typeof createTurns<string>>, slotsInUse = 0): string[] {
  const taken: string[] = [];
  for (let lane = turns.next(slotsInUse); lane !== undefined; lane = turns.next(slotsInUse + taken.length)) taken.push(lane);
  return taken;
}

test('lanes come in the order in which they entered, once each', () => {
  const turns = createTurns<string>(10);
  for (const lane of ['a', 'b', 'a', 'c']) turns.enter(lane, false);
  expect(takeAll(turns)).toEqual(['a', 'b', 'c']);
  turns.enter('a', false);
  expect(takeAll(turns)).toEqual(['a']);
});

test('lanes with nothing running come first', () => {
  const turns = createTurns<string>(10);
  turns.enter('busy', true);
  turns.enter('fresh', false);
  expect(takeAll(turns)).toEqual(['fresh', 'busy']);
});

test('a lane whose last run has ended goes to the lanes with nothing running, and has one turn', () => {
  const turns = createTurns<string>(10);
  turns.enter('a', true);
  turns.enter('b', true);
  turns.enter('b', false);
  expect(takeAll(turns)).toEqual(['b', 'a']);
});

test('half of the slots are for lanes with nothing running alone', () => {
  const turns = createTurns<string>(4);
  turns.enter('busy', true);
  expect(turns.next(2)).toBeUndefined();
  turns.enter('fresh', false);
  expect(turns.next(2)).toBe('fresh');
  expect(turns.next(1)).toBe('busy');
});

test('no lane has a turn when every slot is in use, and keeps its place', () => {
  const turns = createTurns<string>(2);
  for (const lane of ['a', 'b', 'c']) turns.enter(lane, false);
  expect(takeAll(turns)).toEqual(['a', 'b']);
  expect(turns.next(2)).toBeUndefined();
  expect(turns.next(1)).toBe('c');
});
