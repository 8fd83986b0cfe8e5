import { createHmac } from 'node:crypto';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { describe, expect, test } from 'vitest';
import { createNotionTokens, type NotionTokens } from './notion-tokens.ts';

const raw = Buffer.from('{"type":"database.created"}');
const signedWith = (token: string) => `sha256=${createHmac('sha256', token).update(raw).digest('hex')}`;

/** A store shared by all instances; `fails` makes it reject, `hangs` makes it never answer. */
function createSharedStore(kept: string | null = null) {
  const store = {
    kept,
    reads: 0,
    fails: false,
    hangs: false,
    async reachable(): Promise<void> {
      if (store.hangs) await new Promise(() => {});
      if (store.fails) throw new Error('unavailable');
    },
    async get(): Promise<string | null> {
      store.reads += 1;
      await store.reachable();
      return store.kept;
    },
    async keepOnce(_slot: string, token: string): Promise<'kept' | 'already_kept'> {
      await store.reachable();
      if (store.kept === null) {
        store.kept = token;
        return 'kept';
      }
      return 'already_kept';
    },
  };
  return store;
}

async function open(store: ReturnType<typeof createSharedStore>, change: { configured?: string[]; takesHandshakes?: boolean } = {}) {
  const clock = { now: 0 };
  const tokens: NotionTokens = createNotionTokens({
    configured: change.configured ?? [],
    takesHandshakes: change.takesHandshakes ?? true,
    store,
    logger: createLogger({ service: 'test', level: 'silent' }),
    deadlineMs: 20,
    now: () => clock.now,
  });
  // Resolves only after the first read.
  await tokens.verify(raw, signedWith('unknown'));
  return { tokens, clock };
}

describe('verify', () => {
  test('accepts the configured tokens and the kept one', async () => {
    const { tokens } = await open(createSharedStore('kept'), { configured: ['one', 'two'] });
    for (const token of ['one', 'two', 'kept']) expect(await tokens.verify(raw, signedWith(token))).toBe('valid');
    expect(await tokens.verify(raw, signedWith('other'))).toBe('invalid');
    expect(await tokens.verify(Buffer.from('{}'), signedWith('one'))).toBe('invalid');
  });

  test.each([undefined, '', 'sha256=', 'x'])('the header %j is invalid without asking the store', async (header) => {
    const store = createSharedStore();
    const { tokens, clock } = await open(store);
    clock.now = 5_000;
    expect(await tokens.verify(raw, header)).toBe('invalid');
    expect(store.reads).toBe(1);
  });

  test("another instance's handshake is known here within a second", async () => {
    const store = createSharedStore();
    const { tokens, clock } = await open(store);
    store.kept = 'late';
    clock.now = 999;
    expect(await tokens.verify(raw, signedWith('late'))).toBe('invalid');
    clock.now = 1_000;
    expect(await tokens.verify(raw, signedWith('late'))).toBe('valid');
  });

  test('a flood of wrong signatures asks the store once a second', async () => {
    const store = createSharedStore('kept');
    const { tokens, clock } = await open(store);
    clock.now = 10_000;
    await Promise.all(Array.from({ length: 100 }, () => tokens.verify(raw, signedWith('wrong'))));
    expect(store.reads).toBe(2);
  });

  test.each(['fails', 'hangs'] as const)(
    'while the store %s an unknown token is `unknown`, not invalid; known tokens still verify',
    async (trouble) => {
      const store = createSharedStore('kept');
      const { tokens, clock } = await open(store);
      store[trouble] = true;
      clock.now = 10_000;
      expect(await tokens.verify(raw, signedWith('late'))).toBe('unknown');
      expect(await tokens.verify(raw, undefined)).toBe('invalid');
      expect(await tokens.verify(raw, signedWith('kept'))).toBe('valid');
      store[trouble] = false;
      store.kept = 'late';
      expect(await tokens.verify(raw, signedWith('late'))).toBe('valid');
    },
  );

  test('without handshakes an unknown token is invalid even while the store is unavailable', async () => {
    const store = createSharedStore();
    const { tokens, clock } = await open(store, { takesHandshakes: false, configured: ['one'] });
    store.fails = true;
    clock.now = 10_000;
    expect(await tokens.verify(raw, signedWith('late'))).toBe('invalid');
  });

  test('a revoked token stops being valid', async () => {
    const store = createSharedStore('kept');
    const { tokens, clock } = await open(store);
    store.kept = null;
    clock.now = 31_000;
    await tokens.verify(raw, signedWith('kept'));
    await expect.poll(() => tokens.verify(raw, signedWith('kept'))).toBe('invalid');
  });
});

describe('takeHandshake', () => {
  test('keeps the first token, which verifies from then on, and refuses another', async () => {
    const store = createSharedStore();
    const { tokens, clock } = await open(store);
    expect(await tokens.takeHandshake('first')).toBe('kept');
    expect(await tokens.verify(raw, signedWith('first'))).toBe('valid');
    clock.now = 5_000;
    expect(await tokens.takeHandshake('second')).toBe('refused');
    expect(await tokens.takeHandshake('first')).toBe('same');
    expect(store.kept).toBe('first');
  });

  test('only one of two instances keeps it', async () => {
    const store = createSharedStore();
    const [one, other] = [await open(store), await open(store)];
    expect(await one.tokens.takeHandshake('first')).toBe('kept');
    expect(await other.tokens.takeHandshake('second')).toBe('refused');
    expect(await other.tokens.takeHandshake('first')).toBe('same');
  });

  test('after the operator revoked it a new one is kept', async () => {
    const store = createSharedStore('old');
    const { tokens, clock } = await open(store);
    store.kept = null;
    clock.now = 1_000;
    expect(await tokens.takeHandshake('new')).toBe('kept');
  });

  test('is refused when handshakes are off, even a token kept earlier', async () => {
    const store = createSharedStore('kept');
    const { tokens } = await open(store, { takesHandshakes: false });
    expect(await tokens.takeHandshake('kept')).toBe('refused');
    expect(await tokens.takeHandshake('other')).toBe('refused');
    expect(store.kept).toBe('kept');
  });

  test.each(['fails', 'hangs'] as const)('is unavailable while the store %s', async (trouble) => {
    const store = createSharedStore();
    const { tokens, clock } = await open(store);
    store[trouble] = true;
    expect(await tokens.takeHandshake('first')).toBe('unavailable');
    clock.now = 10_000;
    expect(await tokens.takeHandshake('first')).toBe('unavailable');
  });
});
