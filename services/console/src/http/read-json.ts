import type { IncomingMessage } from 'node:http';
import { Refusal } from './route.ts';

const maxBytes = 64 * 1024;

/** The JSON body of a request, as the browser's page sends it. Throws a Refusal. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const [type] = (request.headers['content-type'] ?? '').split(';', 1);
  if (type?.trim().toLowerCase() !== 'application/json') {
    throw new Refusal(415, 'bad_request', 'The body must be of the type application/json.');
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Refusal(413, 'bad_request', 'The body is too large.');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refusal(400, 'bad_request', 'The body is no JSON.');
  }
}
