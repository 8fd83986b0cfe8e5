import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Provider } from './provider.ts';

/** A data folder's record of its stack, so that the next start has the same data and, if they are free, the same ports. */
export type StackRecord = { provider: Provider; /** names its Docker volumes */ id: string; ports: StackPorts };
export type StackPorts = { kafka?: number; kafkaController?: number; schemaRegistry?: number; mongodb?: number };

/** The record in `dataDir/stack.json`; null when there is none. */
export async function readStackRecord(dataDir: string): Promise<StackRecord | null> {
  const text = await readFile(recordFile(dataDir), 'utf8').catch(() => null);
  if (text === null) return null;
  const record: Partial<StackRecord> = JSON.parse(text);
  if ((record.provider !== 'docker' && record.provider !== 'process') || !record.id)
    throw new Error(`${recordFile(dataDir)} is not a stack record.`);
  return { provider: record.provider, id: record.id, ports: record.ports ?? {} };
}

export async function writeStackRecord(dataDir: string, record: StackRecord): Promise<void> {
  await writeFile(recordFile(dataDir), `${JSON.stringify(record, null, 2)}\n`);
}

export function newStackRecord(provider: Provider): StackRecord {
  return { provider, id: randomBytes(6).toString('hex'), ports: {} };
}

function recordFile(dataDir: string): string {
  return join(dataDir, 'stack.json');
}
