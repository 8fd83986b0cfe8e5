import { createHmac } from 'node:crypto';
import { exchange } from '@notion-mirror/notion-source/http-exchange';
import { parseJson } from '@notion-mirror/notion-source/json-object';
import { z } from 'zod';
import { nangoSignature } from '../nango-signature.ts';
import { oneLine } from '../text.ts';

export type Route = 'nango' | 'notion';

/**
 * The result of posting a webhook to the ingress again.
 * - `taken`: it was readable; `word` is the ingress's answer (`accepted`, `handled`, `ignored: unsupported_event_type`).
 * - `unreadable`: still unreadable; the ingress has put its bytes on the dead-letter topic again, as a new letter.
 * - `not_taken`: this one is refused as it is (too large).
 * - `failed`: the next one would fail too: no answer, a wrong key, the ingress cannot store it now.
 */
export type Redelivery =
  | { readonly kind: 'taken'; readonly word: string }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'not_taken'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** The signing key of each route; null when there is none. */
export type Signers = Readonly<Record<Route, string | null>>;

const answerMs = 10_000;
const answerBody = z.object({ status: z.string(), reason: z.string().optional() });

/** Posts the exact bytes to their route at the ingress, signed as by their sender. Rejects only when `signal` aborts. */
export async function redeliver(
  webhook: { readonly route: Route; readonly raw: Buffer },
  deps: { readonly ingressUrl: string; readonly signer: string; readonly signal: AbortSignal },
): Promise<Redelivery> {
  const { route, raw } = webhook;
  const { signer, signal } = deps;
  const headers = {
    'content-type': 'application/json',
    ...(route === 'nango'
      ? { 'x-nango-hmac-sha256': nangoSignature(signer, raw) }
      : { 'x-notion-signature': `sha256=${createHmac('sha256', signer).update(raw).digest('hex')}` }),
  };
  const url = `${deps.ingressUrl.replace(/\/+$/, '')}/webhooks/${route}`;
  let answer;
  try {
    answer = await exchange(url, { method: 'POST', headers, body: new Uint8Array(raw) }, { deadlineMs: answerMs, signal });
  } catch (error) {
    signal.throwIfAborted();
    return { kind: 'failed', why: `the ingress: ${error instanceof Error ? error.message : String(error)}` };
  }
  return readAnswer(answer.status, answer.text);
}

function readAnswer(status: number, text: string): Redelivery {
  const body = answerBody.safeParse(parseJson(text)).data;
  const word = body?.status ?? '';
  const reason = body?.reason === undefined ? '' : `: ${oneLine(body.reason)}`;
  if (status === 200) {
    if (word === 'accepted' || word === 'handled' || word === 'ignored') return { kind: 'taken', word: `${word}${reason}` };
    return word === 'quarantined' ? { kind: 'unreadable' } : { kind: 'failed', why: 'the server at that URL is not the ingress' };
  }
  if (status === 413) return { kind: 'not_taken', why: 'too large for the ingress' };
  return { kind: 'failed', why: `the ingress answered ${status}${word === '' ? '' : ` (${oneLine(word)}${reason})`}` };
}
