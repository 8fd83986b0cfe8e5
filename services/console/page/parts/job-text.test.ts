import { expect, test } from 'vitest';
import { jobPercent, jobProgress, jobState } from './job-text.ts';

const job = {
  action: 'dead_letters.redrive',
  state: 'running',
  planned: 120,
  done: 5,
  left: 115,
  canary: { letters: 5, until: null },
  watchesUntil: null,
  cameBack: { letters: 0, causes: [] },
  failure: null,
} as const;
const failure = { code: 'came_back', message: 'One came back.', remedy: null };

test('each state has a sentence', () => {
  const said = [
    jobState(job),
    jobState({ ...job, state: 'waiting', canary: { letters: 5, until: '2026-11-30T12:00:00Z' } }),
    jobState({ ...job, state: 'waiting' }),
    jobState({ ...job, state: 'interrupted' }),
    jobState({ ...job, state: 'stopped' }),
    jobState({ ...job, state: 'stopped', failure }),
    jobState({ ...job, state: 'done' }),
    jobState({ ...job, state: 'failed', failure }),
  ];
  expect(said).toEqual([
    'It runs.',
    'It waits to see whether one of the first 5 letters comes back.',
    'It waits to see whether letters come back.',
    'Its console stopped. Another one, or the same after a restart, continues it within seconds.',
    'An operator stopped it.',
    'It stopped by itself.',
    'It is done.',
    'It failed.',
  ]);
});

test('progress counts what is left and what came back', () => {
  expect(jobProgress(job)).toBe('5 of 120 letters done, 115 left, none came back.');
  expect(jobProgress({ ...job, done: 120, left: 0, cameBack: { letters: 2, causes: [] } })).toBe('120 of 120 letters done, 2 came back.');
  expect(jobProgress({ ...job, action: 'dead_letters.drop', planned: 1, done: 1, left: 0 })).toBe('1 of 1 letter done.');
  expect(jobProgress({ ...job, action: 'replay.run' })).toBe('5 of 120 records done, 115 left.');
  expect(jobProgress({ ...job, action: 'replay.switch' })).toBe('');
  expect([jobPercent(job), jobPercent({ planned: 0, left: 0 }), jobPercent({ planned: 3, left: 0 })]).toEqual([4, 100, 100]);
});
