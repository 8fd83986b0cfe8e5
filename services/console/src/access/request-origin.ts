import { isLoopback } from '@notion-mirror/service-kit/config';

interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** The header `Host`. */
  readonly host: string;
  readonly header: (name: string) => string;
}

/**
 * Why the request is refused; null: it is not. `origin`: where browsers find the console, when that is not this machine.
 *
 * - `wrong_host`: another site's name that leads here (DNS rebinding), or a name that the operator has not configured.
 * - `cross_site`: another site's page asks. Browsers say so in `Sec-Fetch-Site`, which no script can set; where that is missing (plain http that is not on
 *   localhost, curl), what changes something must name our own origin, or carry a bearer token, which no browser adds by itself.
 */
export function refusalOf(
  { method, path, host, header }: RequestHead,
  { origin, isBearer }: { readonly origin: string | null; readonly isBearer: boolean },
): 'wrong_host' | 'cross_site' | null {
  if (!isOurHost(host, origin)) return 'wrong_host';
  const isSafe = method === 'GET' || method === 'HEAD';
  const site = header('sec-fetch-site');
  if (isSafe) return path.startsWith('/api/') && (site === 'cross-site' || site === 'same-site') ? 'cross_site' : null;
  if (site !== '') return site === 'same-origin' ? null : 'cross_site';
  if (isBearer) return null;
  const expected = origin !== null && new URL(origin).host === host ? origin : `http://${host}`;
  return header('origin') === expected ? null : 'cross_site';
}

function isOurHost(host: string, origin: string | null): boolean {
  if (origin !== null && new URL(origin).host === host.toLowerCase()) return true;
  const url = URL.parse(`http://${host}`);
  return url !== null && url.host === host.toLowerCase() && isLoopback(url.hostname);
}
