import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import pLimit from 'p-limit';

/** The result of one attempt: a response, or the network error code (`ECONNREFUSED`, `ECONNRESET`, `ECONNABORTED` = timeout). */
export type PostResult = { readonly kind: 'answer'; readonly status: number } | { readonly kind: 'network_error'; readonly code: string };

export interface Poster {
  /** Never rejects. Header names keep their spelling. At most `maxConcurrent` requests at once; the timeout starts with the request. */
  post(url: string, headers: Readonly<Record<string, string>>, body: Buffer, timeoutMs: number): Promise<PostResult>;
  /** Aborts requests in flight. */
  close(): void;
}

export function createPoster({ maxConcurrent, maxRedirects = 0 }: { maxConcurrent: number; maxRedirects?: number }): Poster {
  const http = new HttpAgent({ keepAlive: true });
  const https = new HttpsAgent({ keepAlive: true });
  const closed = new AbortController();
  const limit = pLimit(maxConcurrent);

  async function follow(
    url: URL,
    method: 'POST' | 'GET',
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    timeoutMs: number,
    redirectsLeft: number,
  ): Promise<PostResult> {
    const { result, location } = await attempt(url, method, headers, body, timeoutMs);
    if (location === null || redirectsLeft === 0 || result.kind !== 'answer' || !isRedirect(result.status)) return result;
    // Like common clients: only 307 and 308 repeat the POST.
    const next = result.status === 307 || result.status === 308 ? method : 'GET';
    return follow(new URL(location, url), next, headers, body, timeoutMs, redirectsLeft - 1);
  }

  function attempt(
    url: URL,
    method: 'POST' | 'GET',
    headers: Readonly<Record<string, string>>,
    body: Buffer,
    timeoutMs: number,
  ): Promise<{ result: PostResult; location: string | null }> {
    return new Promise((resolve) => {
      const secure = url.protocol === 'https:';
      const sent = method === 'POST' ? { ...headers, 'Content-Length': String(body.length) } : headers;
      const options = {
        method,
        headers: sent,
        agent: secure ? https : http,
        signal: AbortSignal.any([closed.signal, AbortSignal.timeout(timeoutMs)]),
      };
      const request = (secure ? httpsRequest : httpRequest)(url, options, (response) => {
        response.on('error', (error) => resolve({ result: failure(error), location: null }));
        response.on('end', () =>
          resolve({ result: { kind: 'answer', status: response.statusCode ?? 0 }, location: response.headers.location ?? null }),
        );
        response.resume();
      });
      request.on('error', (error) => resolve({ result: failure(error), location: null }));
      request.end(method === 'POST' ? body : undefined);
    });
  }

  return {
    post: (url, headers, body, timeoutMs) => limit(() => follow(new URL(url), 'POST', headers, body, timeoutMs, maxRedirects)),
    close: () => {
      closed.abort();
      http.destroy();
      https.destroy();
    },
  };
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

function failure(error: Error): PostResult {
  if (error.name === 'AbortError') return { kind: 'network_error', code: 'ECONNABORTED' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'EUNKNOWN';
  return { kind: 'network_error', code };
}
