import { promisify } from 'node:util';
import { brotliDecompress, gunzip } from 'node:zlib';
import { Agent, EnvHttpProxyAgent, request as send, type Dispatcher } from 'undici';
import { onAbort } from '@notion-mirror/service-kit/async/abort-scope';

export interface HttpRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
}

/** Headers of an answer. (The platform's `Headers` checks and sorts all of them, and we read three.) */
export class HttpHeaders {
  readonly #received: Dispatcher.ResponseData['headers'];

  /** Names in lower case. */
  constructor(received: Dispatcher.ResponseData['headers']) {
    this.#received = received;
  }

  /** The name may have any case; several values are joined by commas. */
  get(name: string): string | null {
    const value = this.#received[name.toLowerCase()];
    return value === undefined ? null : [value].flat().join(', ');
  }
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  readonly text: string;
}

export interface ExchangeLimits {
  /** For the whole exchange: connecting, headers and the last byte of the body. Milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/**
 * No complete answer came. `code`: `deadline`, `aborted` (the caller's signal), `reset`, or the system's code (`ECONNREFUSED`, …).
 * The message is made of codes only: fetch's own may quote a header, and with it a token.
 */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * perf: undici itself takes 84 to 103 µs of CPU for an exchange, the built-in fetch 235 to 354 (commit 264832e), and an event has two of them: a fifth of a
 * worker's CPU. Remove when fetch costs about the same. A proxy of the environment is used when fetch would use it.
 */
const connections = process.env['NODE_USE_ENV_PROXY'] === '1' ? new EnvHttpProxyAgent({ allowH2: false }) : new Agent({ allowH2: false });

const decoders: Readonly<Record<string, (body: Uint8Array) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  br: promisify(brotliDecompress),
};

const encodings = Object.keys(decoders).join(', ');

/**
 * One HTTP exchange with its whole body, under one deadline. A connection that is reset before the answer begins is most often an idle
 * keep-alive socket that the server had just closed: the call is retried once, at once. Redirects are answers, never followed with a token.
 * Rejects with ExchangeError only.
 */
export async function exchange(url: string, request: HttpRequest, limits: ExchangeLimits): Promise<HttpAnswer> {
  const controller = new AbortController();
  const { signal } = controller;
  const timer = setTimeout(
    () => controller.abort(new ExchangeError('deadline', `no complete answer within ${limits.deadlineMs} ms`)),
    limits.deadlineMs,
  );
  using _listening = onAbort(limits.signal, () => controller.abort(new ExchangeError('aborted', 'the call was aborted')));
  const { method = 'GET', headers, body = null } = request;
  const options = {
    dispatcher: connections,
    // The deadline covers the whole exchange; undici's own are longer.
    signal,
    method,
    headers: { 'accept-encoding': encodings, ...headers },
    body,
  };
  try {
    const answer = await send(url, options).catch((error: unknown) => {
      if (codeOf(error) !== 'reset') throw error;
      return send(url, options);
    });
    return { status: answer.statusCode, headers: new HttpHeaders(answer.headers), text: await textOf(answer) };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const code = codeOf(error);
    throw new ExchangeError(code, `no complete answer (${code})`);
  } finally {
    clearTimeout(timer);
  }
}

async function textOf({ headers, body }: Dispatcher.ResponseData): Promise<string> {
  const decode = decoders[String(headers['content-encoding'])];
  return decode === undefined ? body.text() : (await decode(await body.bytes())).toString();
}

const resets = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** fetch wraps the failure in a TypeError; the code is somewhere in its causes. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (!('code' in at) || typeof at.code !== 'string') continue;
    return resets.has(at.code) ? 'reset' : at.code;
  }
  return 'network';
}
