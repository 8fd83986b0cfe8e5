import { createHash } from 'node:crypto';

/** A deterministic stream of random numbers. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  integer(bound: number): number;
  /** In [low, high). */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly [T, ...T[]]): T;
  /** An item, or undefined for an empty list. */
  pickAny<T>(items: readonly T[]): T | undefined;
  hex(length: number): string;
  /** `length` characters from A-Z, a-z, 0-9. */
  text(length: number): string;
  uuid(): string;
  /** An independent stream: drawing from it does not advance this one. The same label gives the same stream. */
  fork(label: string): Random;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

export function createRandom(seed: string): Random {
  const next = sfc32(createHash('sha256').update(seed).digest());
  const integer = (bound: number) => Math.floor(next() * bound);
  const text = (from: string, length: number) => Array.from({ length }, () => from.charAt(integer(from.length))).join('');
  const random: Random = {
    next,
    integer,
    between: (low, high) => low + next() * (high - low),
    chance: (probability) => probability > 0 && next() < probability,
    pick: (items) => items[integer(items.length)] ?? items[0],
    pickAny: (items) => items[integer(items.length)],
    hex: (length) => text('0123456789abcdef', length),
    text: (length) => text(alphabet, length),
    uuid: () => {
      const hex = text('0123456789abcdef', 30);
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(12, 15)}-${'89ab'.charAt(integer(4))}${hex.slice(15, 18)}-${hex.slice(18)}`;
    },
    fork: (label) => createRandom(`${seed}/${label}`),
  };
  return random;
}

/** Chris Doty-Humphrey's small fast counting generator. */
function sfc32(seed: Buffer): () => number {
  let a = seed.readUInt32LE(0);
  let b = seed.readUInt32LE(4);
  let c = seed.readUInt32LE(8);
  let counter = seed.readUInt32LE(12);
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
}
