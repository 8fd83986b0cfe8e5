import { rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const file = join(import.meta.dirname, '../../../.notion-mirror/demo.json');
const schema = z.object({ pid: z.int().positive(), env: z.record(z.string(), z.string()) });

/** Lets `npm run mirror` find this demo until it is disposed. The file holds addresses and keys of the emulators, readable by this user only. */
export async function announceDemo(env: Readonly<Record<string, string>>): Promise<Disposable> {
  await mkdir(dirname(file), { recursive: true });
  rmSync(file, { force: true });
  await writeFile(file, JSON.stringify({ pid: process.pid, env }), { mode: 0o600, flag: 'wx' });
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
}

/** The `MIRROR_*` variables of the running demo; null when none runs. */
export async function runningDemo(): Promise<Readonly<Record<string, string>> | null> {
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return null;
  const { pid, env } = schema.parse(JSON.parse(text));
  return isAlive(pid) ? env : null;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
