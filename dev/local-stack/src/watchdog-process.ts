// The watchdog: a separate process that outlives its parent by a few seconds. It reads lines from its stdin; when the pipe closes
// (the parent stopped, crashed or was killed with SIGKILL) it ends the registered servers and removes the registered folders.
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const graceMs = 3_000;
const servers = new Set<number>();
const folders = new Set<string>();

// Ctrl-C and a closed terminal signal the whole process group; the watchdog must outlive the parent.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const [word, argument = ''] = line.split('\t');
  if (word === 'adopt') servers.add(Number(argument));
  if (word === 'release') servers.delete(Number(argument));
  if (word === 'remove') folders.add(argument);
  if (word === 'keep') folders.delete(argument);
}

signalAll('SIGTERM');
const deadline = Date.now() + graceMs;
while (Date.now() < deadline && [...servers].some(isAlive)) await delay(50);
signalAll('SIGKILL');
for (const folder of folders) await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

function signalAll(signal: NodeJS.Signals): void {
  for (const pid of servers) {
    try {
      process.kill(pid, signal);
    } catch {
      servers.delete(pid);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
