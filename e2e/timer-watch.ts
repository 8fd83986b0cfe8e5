// Loaded into a service before its own code (`node --import`). Logs each short timer that the service sets, and, whenever it has set `calmAfter` longer ones in
// a row and no short one repeats, that it is calm.
import { createHook } from 'node:async_hooks';
import { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import perfHooks from 'node:perf_hooks';

/** One that is set again and again wakes a process more than twenty times a second. */
const shortMs = 50;
const calmAfter = 40;

const repeating = new Set<number | string>();
let longInARow = 0;

function note(id: number | string, ms: number, repeats: boolean): void {
  if (ms >= shortMs) {
    longInARow += 1;
    if (longInARow % calmAfter === 0 && repeating.size === 0) log('calm');
    return;
  }
  longInARow = 0;
  if (repeats) repeating.add(id);
  log(`a timer of ${ms} ms`);
}

function log(msg: string): void {
  writeSync(1, `${JSON.stringify({ service: 'timer-watch', level: 'info', msg, repeating: repeating.size })}\n`);
}

createHook({
  init(id, type, _trigger, resource) {
    if (type !== 'Timeout') return;
    const { _idleTimeout, _repeat } = resource as { _idleTimeout: number; _repeat: number | null };
    note(id, _idleTimeout, _repeat !== null);
  },
  destroy: (id) => void repeating.delete(id),
}).enable();

// This one is a timer of Node's own.
const { monitorEventLoopDelay } = perfHooks;
perfHooks.monitorEventLoopDelay = (options) => {
  note('event loop delay', options?.resolution ?? 10, true);
  return monitorEventLoopDelay(options);
};
syncBuiltinESMExports();
