import { setTimeout as delay } from 'node:timers/promises';

/** What the overview of the console asks for, and how often, ms: services/console/page/api.ts. */
const asked: readonly (readonly [path: string, everyMs: number])[] = [
  ['/api/me', Infinity],
  ['/api/status', 2_000],
  ['/api/history', 30_000],
];

/** Opens the overview in so many browsers, as far as the console sees it. Resolves when each follows the live events; throws what a request fails with. */
export async function openPages(address: string, count: number): Promise<AsyncDisposable> {
  const closing = new AbortController();
  const { signal } = closing;
  const running: Promise<void>[] = [];

  async function poll(path: string, everyMs: number): Promise<void> {
    for (;;) {
      const answer = await fetch(`${address}${path}`, { signal });
      await answer.arrayBuffer();
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      if (everyMs === Infinity) return;
      await delay(everyMs, undefined, { signal });
    }
  }

  async function follow(onOpen: () => void): Promise<void> {
    const { body, status } = await fetch(`${address}/api/stream`, { signal });
    if (body === null || status !== 200) throw new Error(`/api/stream: ${status}`);
    for await (const _chunk of body) onOpen();
  }

  function run(page: Promise<void>): void {
    running.push(page);
    // Reported when the pages are closed, or while they open.
    page.catch(() => {});
  }

  const opened = Array.from({ length: count }, async () => {
    const { promise: isOpen, resolve } = Promise.withResolvers<void>();
    const following = follow(resolve);
    run(following);
    for (const [path, everyMs] of asked) run(poll(path, everyMs));
    await Promise.race([isOpen, following]);
  });
  await Promise.all(opened);
  return {
    async [Symbol.asyncDispose]() {
      closing.abort();
      for (const result of await Promise.allSettled(running)) {
        if (result.status === 'rejected' && (result.reason as Error).name !== 'AbortError') throw result.reason;
      }
    },
  };
}
