import { randomBytes } from 'node:crypto';

/** The sender's W3C trace context if it sent a valid one, else a new one. */
export function traceparentFrom(header: string | undefined): string {
  if (header !== undefined && valid.test(header) && !/^00-0{32}-|-0{16}-/.test(header)) return header;
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}

const valid = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
