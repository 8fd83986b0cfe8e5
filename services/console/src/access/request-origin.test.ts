import { expect, test } from 'vitest';
import { refusalOf } from './request-origin.ts';

const origin = 'https://mirror.example.com';
const refusal = (
  head: { method?: string; path?: string; host?: string; headers?: Readonly<Record<string, string>> },
  options: { origin?: string | null; isBearer?: boolean } = {},
) => {
  const { method = 'POST', path = '/api/session', host = 'localhost:3200', headers = {} } = head;
  return refusalOf({ method, path, host, header: (name) => headers[name] ?? '' }, { origin: null, isBearer: false, ...options });
};

test.each(['localhost', 'localhost:3200', '127.0.0.1:1', '[::1]:3200', 'LOCALHOST:3200'])('%s is this machine', (host) => {
  expect(refusal({ method: 'GET', host })).toBeNull();
});

test.each([
  '',
  'mirror.example.com',
  '127.0.0.1.evil.example',
  'localhost@evil.example',
  'localhost:3200/x',
  '10.0.0.1',
  'evil.example#localhost',
])('"%s" is another host', (host) => {
  expect(refusal({ method: 'GET', host })).toBe('wrong_host');
});

test('the configured host is ours, at its port only', () => {
  expect(refusal({ method: 'GET', host: 'mirror.example.com' }, { origin })).toBeNull();
  expect(refusal({ method: 'GET', host: 'mirror.example.com:8443' }, { origin })).toBe('wrong_host');
});

test.each([
  ['same-origin', null],
  ['same-site', 'cross_site'],
  ['cross-site', 'cross_site'],
  ['none', 'cross_site'],
])('what acts from %s', (site, expected) => {
  expect(refusal({ headers: { 'sec-fetch-site': site } })).toBe(expected);
});

test('a link from another site may lead to a page, and not to an answer', () => {
  const headers = { 'sec-fetch-site': 'cross-site' };
  expect(refusal({ method: 'GET', path: '/t/acme', headers })).toBeNull();
  expect(refusal({ method: 'GET', path: '/api/status', headers })).toBe('cross_site');
});

test('where the browser does not say, the origin must be ours, or a token must be given', () => {
  expect(refusal({ headers: { origin: 'http://localhost:3200' } })).toBeNull();
  expect(refusal({ headers: { origin: 'http://localhost:3201' } })).toBe('cross_site');
  expect(refusal({ host: 'mirror.example.com', headers: { origin } }, { origin })).toBeNull();
  expect(refusal({ host: 'mirror.example.com', headers: { origin: 'http://mirror.example.com' } }, { origin })).toBe('cross_site');
  expect(refusal({})).toBe('cross_site');
  expect(refusal({}, { isBearer: true })).toBeNull();
  expect(refusal({ headers: { 'sec-fetch-site': 'cross-site' } }, { isBearer: true })).toBe('cross_site');
});
