// Raw requests that no HTTP client would send. For tests.

/** A valid webhook to put into a request. */
export interface Parcel {
  readonly path: string;
  /** The signature header line; empty when there is none. */
  readonly signature: string;
  readonly body: string;
}

export interface RawRequest {
  readonly name: string;
  readonly bytes: (parcel: Parcel) => Buffer;
  /**
   * The expected statuses, in order. `verdict`: that of a valid request, 200 or 401. An empty list: the connection is closed.
   */
  readonly answers: readonly (number | 'verdict')[];
  /** Node closes a connection it can no longer parse, even before it has answered an earlier request on it. */
  readonly firstMayBeLost?: boolean;
  /** The sender closes the connection there; otherwise the server would wait for more. */
  readonly endsThere?: boolean;
}

const json = 'content-type: application/json';
const host = 'host: ingress.example';

/** Header lines, an empty line and the body. Latin-1, so that every byte can be written. */
function request(lines: readonly string[], body = ''): Buffer {
  return Buffer.from([...lines.filter((line) => line !== ''), '', body].join('\r\n'), 'latin1');
}

const post = (parcel: Parcel, more: readonly string[], body = parcel.body): Buffer =>
  request([`POST ${parcel.path} HTTP/1.1`, host, json, parcel.signature, ...more], body);
const withLength = (parcel: Parcel, more: readonly string[]): Buffer => post(parcel, [`content-length: ${parcel.body.length}`, ...more]);
const withStart = (start: string, parcel: Parcel, more: readonly string[] = [host]): Buffer =>
  request([start, ...more, json, parcel.signature, `content-length: ${parcel.body.length}`], parcel.body);
const chunked = (parcel: Parcel, body: string): Buffer => post(parcel, ['transfer-encoding: chunked'], body);
const hex = (text: string): string => text.length.toString(16);

export const rawRequests: readonly RawRequest[] = [
  // Framing
  { name: 'content-length twice, the same', bytes: (p) => withLength(p, [`content-length: ${p.body.length}`]), answers: [400] },
  { name: 'content-length twice, contradicting', bytes: (p) => withLength(p, ['content-length: 2']), answers: [400] },
  ...['-1', '+5', '0x10', '5, 5', '1e3', '', '99999999999999999999999999'].map((length) => ({
    name: `content-length: ${length}`,
    bytes: (p: Parcel) => post(p, [`content-length: ${length}`]),
    answers: [400],
  })),
  { name: 'content-length: 99999999999', bytes: (p) => post(p, ['content-length: 99999999999']), answers: [413] },
  { name: 'content-length and chunked', bytes: (p) => withLength(p, ['transfer-encoding: chunked']), answers: [400] },
  {
    name: 'a length that is too short, the rest an invalid request',
    bytes: (p) => post(p, [`content-length: ${p.body.length - 20}`]),
    answers: [401, 400],
    firstMayBeLost: true,
  },
  { name: 'a length that is too long', bytes: (p) => post(p, [`content-length: ${p.body.length + 20}`]), answers: [400], endsThere: true },
  { name: 'a body without a length', bytes: (p) => post(p, []), answers: [401, 400], firstMayBeLost: true },
  ...['chunked, identity', 'xchunked', 'gzip', 'chunked\r\ntransfer-encoding: identity'].map((encoding) => ({
    name: `transfer-encoding: ${encoding.replace('\r\n', ' / ')}`,
    bytes: (p: Parcel) => post(p, [`transfer-encoding: ${encoding}`], `${hex(p.body)}\r\n${p.body}\r\n0\r\n\r\n`),
    answers: [400],
  })),
  {
    name: 'chunks with extensions and a trailer',
    bytes: (p) => chunked(p, `1;a=b\r\n${p.body.slice(0, 1)}\r\n${hex(p.body.slice(1))};x\r\n${p.body.slice(1)}\r\n0\r\nx-more: 1\r\n\r\n`),
    answers: ['verdict'],
  },
  { name: 'a chunk longer than its size', bytes: (p) => chunked(p, `5\r\n${p.body}\r\n0\r\n\r\n`), answers: [400] },
  {
    name: 'a chunk shorter than its size',
    bytes: (p) => chunked(p, `fffff\r\n${p.body}\r\n0\r\n\r\n`),
    answers: [400],
    endsThere: true,
  },
  { name: 'a chunk without a size', bytes: (p) => chunked(p, `zz\r\n${p.body}\r\n0\r\n\r\n`), answers: [400] },
  { name: 'a chunk size beyond any body', bytes: (p) => chunked(p, `fffffffffffffffff\r\n${p.body}`), answers: [400] },
  { name: 'chunks without an end', bytes: (p) => chunked(p, `${hex(p.body)}\r\n${p.body}\r\n`), answers: [400], endsThere: true },
  { name: 'a chunk with a negative size', bytes: (p) => chunked(p, `-1\r\n${p.body}\r\n0\r\n\r\n`), answers: [400] },
  // The request line
  { name: 'HTTP/1.0 without a host', bytes: (p) => withStart(`POST ${p.path} HTTP/1.0`, p, []), answers: ['verdict'] },
  { name: 'HTTP/1.1 without a host', bytes: (p) => withStart(`POST ${p.path} HTTP/1.1`, p, []), answers: [400] },
  { name: 'a false HTTP/2.0', bytes: (p) => withStart(`POST ${p.path} HTTP/2.0`, p), answers: ['verdict'] },
  { name: 'HTTP/9.9', bytes: (p) => withStart(`POST ${p.path} HTTP/9.9`, p), answers: [400] },
  { name: 'no version at all', bytes: (p) => withStart(`POST ${p.path}`, p), answers: ['verdict'] },
  { name: 'the preface of HTTP/2', bytes: () => Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), answers: [400] },
  { name: 'the hello of TLS', bytes: () => Buffer.from('16030100c8010000c403035f', 'hex'), answers: [400] },
  { name: 'NULs', bytes: () => Buffer.alloc(64), answers: [400] },
  { name: 'an absolute URL', bytes: (p) => withStart(`POST http://evil.example${p.path} HTTP/1.1`, p), answers: ['verdict'] },
  { name: 'an absolute URL with another path', bytes: (p) => withStart(`POST http://evil.example/ HTTP/1.1`, p), answers: [404] },
  { name: 'a URL of another protocol', bytes: (p) => withStart(`POST ftp://evil.example${p.path} HTTP/1.1`, p), answers: [404] },
  { name: 'a tunnel', bytes: () => Buffer.from('CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example\r\n\r\n'), answers: [] },
  { name: 'a NUL in the path', bytes: (p) => withStart(`POST ${p.path}\0 HTTP/1.1`, p), answers: [400] },
  { name: 'an encoded NUL in the path', bytes: (p) => withStart(`POST ${p.path}%00 HTTP/1.1`, p), answers: [404] },
  { name: 'a parent directory in the path', bytes: (p) => withStart(`POST /x/..${p.path} HTTP/1.1`, p), answers: [404] },
  { name: 'a broken escape in the path', bytes: (p) => withStart(`POST ${p.path}/%zz%ff HTTP/1.1`, p), answers: [404] },
  { name: 'a query of 12,000 letters', bytes: (p) => withStart(`POST ${p.path}?${'x'.repeat(12_000)} HTTP/1.1`, p), answers: ['verdict'] },
  { name: 'a path of 20,000 letters', bytes: (p) => withStart(`POST ${p.path}${'/x'.repeat(10_000)} HTTP/1.1`, p), answers: [431] },
  { name: 'a method in lower case', bytes: (p) => withStart(`post ${p.path} HTTP/1.1`, p), answers: [400] },
  { name: 'an invalid method', bytes: (p) => withStart(`__proto__ ${p.path} HTTP/1.1`, p), answers: [400] },
  { name: 'PUT with a body', bytes: (p) => withStart(`PUT ${p.path} HTTP/1.1`, p), answers: [405] },
  // Headers
  { name: 'one header of 17 KiB', bytes: (p) => withLength(p, [`x-long: ${'x'.repeat(17 * 1024)}`]), answers: [431] },
  { name: '5,000 headers', bytes: (p) => withLength(p, Array<string>(5_000).fill('x: y')), answers: [431] },
  { name: '300 headers', bytes: (p) => withLength(p, Array<string>(300).fill('x: y')), answers: ['verdict'] },
  { name: 'a NUL in a header', bytes: (p) => withLength(p, ['x-nul: a\0b']), answers: [400] },
  { name: 'a NUL in the name of a header', bytes: (p) => withLength(p, ['x\0nul: a']), answers: [400] },
  { name: 'a header without a colon', bytes: (p) => withLength(p, ['nothing']), answers: [400] },
  { name: 'a space before the colon', bytes: (p) => withLength(p, ['x-space : 1']), answers: [400] },
  { name: 'a header on two lines', bytes: (p) => withLength(p, ['x-folded: 1\r\n 2']), answers: [400] },
  {
    name: 'line breaks without a carriage return',
    bytes: (p) => Buffer.from(withLength(p, []).toString().replaceAll('\r', '')),
    answers: [400],
  },
  { name: 'non-ASCII bytes in a header', bytes: (p) => withLength(p, ['x-bytes: \xff\xfe\x80']), answers: ['verdict'] },
  {
    name: 'headers named like the prototype',
    bytes: (p) => withLength(p, ['__proto__: 1', 'constructor: 2', 'hasOwnProperty: 3']),
    answers: ['verdict'],
  },
  { name: 'a second content type', bytes: (p) => withLength(p, ['content-type: text/plain']), answers: ['verdict'] },
  { name: 'an invalid trace', bytes: (p) => withLength(p, ['traceparent: 00-\xff-$gt-__proto__']), answers: ['verdict'] },
  {
    name: 'a second signature',
    bytes: (p) => withLength(p, [p.signature || 'x-nango-hmac-sha256: 0', 'x-notion-signature: 0', 'x-nango-hmac-sha256: 0']),
    answers: [401],
  },
  { name: '100-continue', bytes: (p) => withLength(p, ['expect: 100-continue']), answers: [100, 'verdict'] },
  { name: 'another expectation', bytes: (p) => withLength(p, ['expect: 200-ok']), answers: [417] },
  { name: 'an upgrade', bytes: (p) => withLength(p, ['connection: upgrade', 'upgrade: websocket']), answers: ['verdict'] },
  {
    name: 'a content-length in the trailer',
    bytes: (p) => chunked(p, `${hex(p.body)}\r\n${p.body}\r\n0\r\ncontent-length: 1\r\n\r\n`),
    answers: [400],
  },
];
