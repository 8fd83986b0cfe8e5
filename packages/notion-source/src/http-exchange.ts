import { promisify } from 'node:util';
import { brotliDecompress, gunzip } from 'node:zlib';
import { Agent, EnvHttpProxyAgent, request as send, type Dispatcher } from 'undici';
import { abortScope } from './abort-scope.ts';

export interface HttpRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface ExchangeLimits {
  /** For the whole exchange: connecting, headers and the last byte of the body. Milliseconds. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/**
 * No complete answer came. `code`: `deadline`, `aborted` (the caller's signal), `reset`, or the system's code (`ECONNREFUSED`, …).
 * The message is made of codes only: what fetch says may quote a header, and with it a token.
 */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the built-in fetch stands on, used directly: an exchange costs a third less CPU. A proxy of the environment is used when Node's own fetch would use it. */
const connections = process.env['NODE_USE_ENV_PROXY'] === '1' ? new EnvHttpProxyAgent({ allowH2: false }) : new Agent({ allowH2: false });

const decoders: Readonly<Record<string, (body: Uint8Array) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  br: promisify(brotliDecompress),
};

/**
 * One HTTP exchange with its whole body, under one deadline. A connection that is reset before the answer begins is most often an idle
 * keep-alive socket that the server had just closed: it is tried once more, at once. Redirects are answers, never followed with a token.
 * Rejects with ExchangeError only.
 */
export async function exchange(url: string, request: HttpRequest, limits: ExchangeLimits): Promise<HttpAnswer> {
  using scope = abortScope(limits.signal);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    scope.abort();
  }, limits.deadlineMs);
  const { method = 'GET', headers, body = null } = request;
  const options = {
    dispatcher: connections,
    // The deadline is over the whole; undici's own are longer.
    signal: scope.signal,
    method,
    headers: { 'accept-encoding': Object.keys(decoders).join(', '), ...headers },
    body,
  };
  try {
    const answer = await send(url, options).catch((error: unknown) => {
      if (codeOf(error) !== 'reset' || scope.signal.aborted) throw error;
      return send(url, options);
    });
    return { status: answer.statusCode, headers: headersOf(answer), text: await textOf(answer) };
  } catch (error) {
    if (limits.signal.aborted) throw new ExchangeError('aborted', 'the call was aborted');
    if (late) throw new ExchangeError('deadline', `no complete answer within ${limits.deadlineMs} ms`);
    const code = codeOf(error);
    throw new ExchangeError(code, `no complete answer (${code})`);
  } finally {
    clearTimeout(timer);
  }
}

function headersOf({ headers }: Pick<Dispatcher.ResponseData, 'headers'>): Headers {
  const found = new Headers();
  for (const [name, value] of Object.entries(headers)) for (const one of [value ?? []].flat()) found.append(name, one);
  return found;
}

async function textOf({ headers, body }: Dispatcher.ResponseData): Promise<string> {
  const decode = decoders[String(headers['content-encoding'])];
  return decode === undefined ? body.text() : (await decode(await body.bytes())).toString();
}

const resets = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

/** fetch wraps what happened in a TypeError; the code is somewhere in its causes. */
function codeOf(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (!('code' in at) || typeof at.code !== 'string') continue;
    return resets.has(at.code) ? 'reset' : at.code;
  }
  return 'network';
}
