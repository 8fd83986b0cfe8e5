import { setTimeout as delay } from 'node:timers/promises';

/** Polls until `condition` holds; on timeout fails with the text of `describe`. */
export async function waitUntil(
  condition: () => Promise<boolean> | boolean,
  options: { readonly timeoutMs?: number; readonly describe?: () => Promise<string> | string } = {},
): Promise<void> {
  const { timeoutMs = 90_000, describe = () => 'the condition never held' } = options;
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${await describe()}`);
    await delay(50);
  }
}
