import { createHmac } from 'node:crypto';
import { createLogger } from '@notion-mirror/service-kit/logger';
import { describe, expect, test } from 'vitest';
import { createNotionTokens, type NotionTokens } from './notion-tokens.ts';

const raw = Buffer.from('{"type":"database.created"}');
const signedWith = (token: string) => `sha256=${createHmac('sha256', token).update(raw).digest('hex')}`;

/** The store as the other instances see it too; `isAway` makes it reject, `hangs` makes it never answer. */
function createSharedStore(kept: string | null = null) {
  const store = {
    kept,
    reads: 0,
    isAway: false,
    hangs: false,
    async reachable(): Promise<void> {
      if (store.hangs) await new Promise(() => {});
      if (store.isAway) throw new Error('away');
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
  // The first read has ended when this is answered.
  await tokens.verify(raw, signedWith('nobody'));
  return { tokens, clock };
}

describe('verify', () => {
  test('with configured tokens and the kept one', async () => {
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

  test.each(['isAway', 'hangs'] as const)('while the store %s a stranger may be right: unknown; known tokens go on', async (trouble) => {
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
  });

  test('where no handshake is taken a store that is away makes nobody unknown', async () => {
    const store = createSharedStore();
    const { tokens, clock } = await open(store, { takesHandshakes: false, configured: ['one'] });
    store.isAway = true;
    clock.now = 10_000;
    expect(await tokens.verify(raw, signedWith('late'))).toBe('invalid');
  });

  test('a token that was taken back stops being valid', async () => {
    const store = createSharedStore('kept');
    const { tokens, clock } = await open(store);
    store.kept = null;
    clock.now = 31_000;
    await tokens.verify(raw, signedWith('kept'));
    await expect.poll(() => tokens.verify(raw, signedWith('kept'))).toBe('invalid');
  });
});

describe('takeHandshake', () => {
  test('keeps the first token, which verifies from then on; another one is refused', async () => {
    const store = createSharedStore();
    const { tokens, clock } = await open(store);
    expect(await tokens.takeHandshake('first')).toBe('kept');
    expect(await tokens.verify(raw, signedWith('first'))).toBe('valid');
    clock.now = 5_000;
    expect(await tokens.takeHandshake('second')).toBe('refused');
    expect(await tokens.takeHandshake('first')).toBe('same');
    expect(store.kept).toBe('first');
  });

  test('of two instances one keeps it', async () => {
    const store = createSharedStore();
    const [one, other] = [await open(store), await open(store)];
    expect(await one.tokens.takeHandshake('first')).toBe('kept');
    expect(await other.tokens.takeHandshake('second')).toBe('refused');
    expect(await other.tokens.takeHandshake('first')).toBe('same');
  });

  test('after the operator took it back a new one is kept', async () => {
    const store = createSharedStore('old');
    const { tokens, clock } = await open(store);
    store.kept = null;
    clock.now = 1_000;
    expect(await tokens.takeHandshake('new')).toBe('kept');
  });

  test('is refused where none is taken, also a token that is kept from earlier', async () => {
    const store = createSharedStore('kept');
    const { tokens } = await open(store, { takesHandshakes: false });
    expect(await tokens.takeHandshake('kept')).toBe('refused');
    expect(await tokens.takeHandshake('other')).toBe('refused');
    expect(store.kept).toBe('kept');
  });

  test.each(['isAway', 'hangs'] as const)('while the store %s it cannot be taken', async (trouble) => {
    const store = createSharedStore();
    const { tokens, clock } = await open(store);
    store[trouble] = true;
    expect(await tokens.takeHandshake('first')).toBe('unavailable');
    clock.now = 10_000;
    expect(await tokens.takeHandshake('first')).toBe('unavailable');
  });
});
