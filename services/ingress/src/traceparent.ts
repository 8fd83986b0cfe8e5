import { randomFillSync } from 'node:crypto';

/** The sender's W3C trace context if valid, otherwise a new one. */
export function traceparentFrom(header: string | undefined): string {
  if (header !== undefined && valid.test(header) && !/^00-0{32}-|-0{16}-/.test(header)) return header;
  const ids = randomHex();
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-01`;
}

const valid = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A trace id and a span id together. */
const idBytes = 24;
/** A large random read costs no more than a small one, and small ones took a sixteenth of an event's cost. */
const pool = Buffer.alloc(idBytes * 256);
let used = pool.length;

function randomHex(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += idBytes;
  return pool.toString('hex', used - idBytes, used);
}
