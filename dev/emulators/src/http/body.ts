import type { IncomingMessage } from 'node:http';

export type BodyBytes = { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'too_large' };

/** The raw bytes of a request. Beyond the limit the rest is read and discarded, so that the client can read the response. */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<BodyBytes> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    length += bytes.length;
    if (length <= limitBytes) chunks.push(bytes);
  }
  return length > limitBytes ? { kind: 'too_large' } : { kind: 'bytes', bytes: Buffer.concat(chunks) };
}
