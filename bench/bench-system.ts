import { startSystem, type System } from '@notion-mirror/demo/system';
import type { StackAddresses } from '@notion-mirror/local-stack/stack';
import { startWatchdog, type Watchdog } from '@notion-mirror/local-stack/watchdog';
import type { Prepared } from './scenario.ts';

/** The system of one scenario. The budget of calls to Notion holds nothing back. */
export interface BenchSystem {
  readonly system: System;
  readonly watchdog: Watchdog;
}

/**
 * Starts the system, lets `prepare` make the contenders, and stops everything when the scenario has ended or could not be prepared. `variables`: settings that
 * differ from the defaults.
 */
export async function prepareWithSystem(
  stack: StackAddresses,
  scenario: string,
  prepare: (bench: BenchSystem, onEnd: (end: () => Promise<void>) => void) => Promise<Prepared['contenders']>,
  variables: Readonly<Record<string, string>> = {},
): Promise<Prepared> {
  const resources = new AsyncDisposableStack();
  try {
    const watchdog = await startWatchdog();
    resources.defer(() => watchdog.close());
    // What is measured is about databases; scans of rows would come in between.
    const env = { MIRROR_ROWS: 'off', MIRROR_KAFKA_PARTITIONS: '12', MIRROR_NOTION_REQUESTS_PER_MINUTE: '100000', ...variables };
    const system = await startSystem(stack, { name: `bench_${scenario.replaceAll('-', '_')}`, env });
    resources.defer(() => system.stop());
    const contenders = await prepare({ system, watchdog }, (end) => resources.defer(end));
    return { contenders, end: () => resources.disposeAsync() };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}
