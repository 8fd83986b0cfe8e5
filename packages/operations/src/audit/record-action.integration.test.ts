import { randomUUID } from 'node:crypto';
import { silent } from '@notion-mirror/event-log/testing/isolated-log';
import { openMongo, type Mongo } from '@notion-mirror/mirror-store/client';
import { openOperatorActions } from '@notion-mirror/mirror-store/operator-actions';
import { loadConfig } from '@notion-mirror/service-kit/config';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { OperatorError } from '../operator-error.ts';
import { recordAction, type ActingContext, type ActionOrder } from './record-action.ts';

let mongo: Mongo;
let progress: string[];
let stopping: AbortController;
let context: ActingContext;
beforeEach(async () => {
  const uri = new URL(inject('stack').mongodbUri);
  uri.pathname = `/record_${randomUUID().slice(0, 8)}`;
  mongo = await openMongo(uri.href, { appName: 'record-test' });
  progress = [];
  stopping = new AbortController();
  context = {
    config: loadConfig({}, 'cli'),
    entities: [],
    clientName: 'record-test',
    logger: silent,
    signal: stopping.signal,
    redact: (text) => text.replaceAll('hunter2', '***'),
    onProgress: (line) => void progress.push(line),
    operator: { who: 'ann', via: 'cli' },
  };
});
afterEach(async () => {
  await mongo.db.dropDatabase();
  await mongo.close();
});

const order: ActionOrder = { action: 'rows.off', workspaceId: 'acme', target: { dataSourceId: 's' }, reason: 'the password was\nhunter2' };
const latest = async () => (await openOperatorActions(mongo.db).list({}, null, 1))[0];

test('an action is recorded before the work, and completed after it', async () => {
  const result = await recordAction(context, mongo.db, order, async (notes) => {
    expect(await latest()).toMatchObject({ who: 'ann', action: 'rows.off', outcome: 'begun', endedAt: null });
    notes.counts = { erased: 3 };
    return 'worked';
  });
  expect(result).toBe('worked');
  expect(await latest()).toMatchObject({ outcome: 'done', endedAt: expect.any(Date), counts: { erased: 3 }, failure: null });
  // Neither a configured secret nor a line break.
  expect((await latest())?.reason).toBe('the password was?***');
});

test.each([
  ['an error of ours', new OperatorError('not_followed', 'no'), 'not_followed'],
  ['another error', new Error('a text that may be a customer’s'), 'failed'],
])('work that fails by %s is recorded with its code and what it did until then', async (_name, error, failure) => {
  const work = recordAction(context, mongo.db, order, async (notes) => {
    notes.counts = { erased: 1 };
    return Promise.reject(error);
  });
  await expect(work).rejects.toBe(error);
  expect(await latest()).toMatchObject({ outcome: 'failed', counts: { erased: 1 }, failure });
  expect(JSON.stringify(await latest())).not.toContain('a text');
});

test('interrupted work is recorded as such', async () => {
  const work = recordAction(context, mongo.db, order, async () => {
    stopping.abort(new Error('Ctrl-C'));
    stopping.signal.throwIfAborted();
  });
  await expect(work).rejects.toThrow('Ctrl-C');
  expect(await latest()).toMatchObject({ outcome: 'failed', failure: 'interrupted' });
});

test('what cannot be recorded is not done', async () => {
  await mongo.db.createCollection('operator_actions', { validator: { never: true } });
  let isDone = false;
  const work = recordAction(context, mongo.db, order, async () => {
    isDone = true;
    return Promise.resolve();
  });
  await expect(work).rejects.toThrow('the action could not be recorded, so nothing was done');
  expect(isDone).toBe(false);
});

test('what was done stays done when its end cannot be recorded, and that is said', async () => {
  const result = await recordAction(context, mongo.db, order, async () => {
    await mongo.db.command({ collMod: 'operator_actions', validator: { never: true } });
    return 'worked';
  });
  expect(result).toBe('worked');
  expect(progress).toEqual([expect.stringContaining('the audit trail does not say how this ended')]);
  expect(await latest()).toMatchObject({ outcome: 'begun' });
});
