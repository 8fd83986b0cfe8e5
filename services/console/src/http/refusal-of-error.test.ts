import { StoreUnavailableError } from '@notion-mirror/mirror-store/errors';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { time } from './input.ts';
import { refusalOfError } from './refusal-of-error.ts';

test('what could not be read is said to be for want of MongoDB', () => {
  const error = new StoreUnavailableError('the workers could not be read: timed out', { cause: new Error('timed out') });
  expect(refusalOfError(error, (text) => text)).toMatchObject({
    status: 503,
    answer: { error: { code: 'mongodb_unavailable', message: 'MongoDB does not answer: the workers could not be read: timed out' } },
  });
});

test('a parameter that is not understood is named', () => {
  const { error } = z.object({ query: z.object({ from: time }) }).safeParse({ query: { from: 'yesterday' } });
  expect(refusalOfError(error, (text) => text)).toMatchObject({
    status: 400,
    answer: { error: { code: 'bad_request', message: 'from: a time in ISO 8601' } },
  });
});
