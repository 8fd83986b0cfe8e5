import type { IncomingHttpHeaders } from 'node:http';
import { nangoHmac, nangoLegacySignature } from '../signatures.ts';

const notForwarded = [
  'host',
  'authorization',
  'connection',
  'keep-alive',
  'content-length',
  'content-type',
  'content-encoding',
  'cookie',
  'set-cookie',
  'referer',
  'user-agent',
  'sec-',
  'proxy-',
  'www-authenticate',
  'server',
];

/** Hop-by-hop headers, consumed by a proxy in front of Nango. */
const hopByHop = ['transfer-encoding'];

/** The provider's headers that Nango passes on, in lower case. */
export function forwardedHeaders(incoming: IncomingHttpHeaders): Record<string, string> {
  const forwarded: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming)) {
    if (value === undefined || [...notForwarded, ...hopByHop].some((start) => name.toLowerCase().startsWith(start))) continue;
    forwarded[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return forwarded;
}

/** The headers of one webhook of Nango's, in its spelling. */
export function webhookHeaders(signingKey: string, body: Buffer, forwarded: Readonly<Record<string, string>>): Record<string, string> {
  return {
    // Nango's HTTP client adds these, unless the provider sent its own.
    Accept: 'application/json, text/plain, */*',
    'Accept-Encoding': 'gzip, compress, deflate, br',
    ...withoutClash(forwarded),
    'X-Nango-Signature': nangoLegacySignature(signingKey, body),
    'X-Nango-Hmac-Sha256': nangoHmac(signingKey, body),
    'content-type': 'application/json',
    'user-agent': 'nango/0.71.10 (linux/6.1.0; node.js/22.22.0)',
  };
}

/** A header given twice in different cases would be sent twice. */
function withoutClash(forwarded: Readonly<Record<string, string>>): Record<string, string> {
  const { accept, 'accept-encoding': acceptEncoding, ...rest } = forwarded;
  return {
    ...(accept === undefined ? {} : { Accept: accept }),
    ...(acceptEncoding === undefined ? {} : { 'Accept-Encoding': acceptEncoding }),
    ...rest,
  };
}
