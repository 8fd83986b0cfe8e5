import { createLogger } from '@notion-mirror/service-kit/logger';
import { Registry } from '@notion-mirror/service-kit/metrics';
import { describe, expect, it, vi } from 'vitest';
import { container, databaseId, notionError } from '../test/notion-samples.ts';
import { cutJson, hang, hangInBody, reset, startScriptedServer, truncated, type Reply } from '../test/scripted-server.ts';
import { systemClock } from '@notion-mirror/service-kit/async/clock';
import { createNotionClient, type NotionAnswer } from './notion-client.ts';
import { parseRetryAfter, type NotionFailure } from './notion-errors.ts';
import { createNotionMetrics } from './notion-metrics.ts';

const token = 'ntn_a_token_that_must_stay_secret';

async function callOnce(reply: Reply, deadlineMs = 5_000): Promise<{ answer: NotionAnswer; calls: number; logs: string; metrics: string }> {
  await using server = await startScriptedServer(() => reply);
  return { ...(await callAt(server.url, deadlineMs)), calls: server.requests.length };
}

async function callAt(notionApiUrl: string, deadlineMs = 5_000): Promise<{ answer: NotionAnswer; logs: string; metrics: string }> {
  const logs: string[] = [];
  const registry = new Registry();
  const client = createNotionClient({
    notionApiUrl,
    deadlineMs,
    clock: systemClock,
    logger: createLogger({ service: 'test', level: 'trace', destination: { write: (line) => logs.push(line) } }),
    metrics: createNotionMetrics(registry),
  });
  const answer = await client.database(databaseId)(token, new AbortController().signal);
  return { answer, logs: logs.join(''), metrics: await registry.metrics() };
}

async function failureOf(reply: Reply, deadlineMs?: number): Promise<NotionFailure> {
  const warn = vi.spyOn(console, 'warn');
  const { answer, calls, logs } = await callOnce(reply, deadlineMs);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
  expect(logs).not.toContain(token);
  expect(JSON.stringify(answer)).not.toContain(token);
  expect(calls).toBe(reply === reset ? 2 : 1);
  if (answer.kind !== 'failure') throw new Error('it should have failed');
  return answer.failure;
}

const html = (status: number, headers: Record<string, string> = {}): Reply => ({ status, body: '<html>oops</html>', headers });

describe("the class of a Notion error, through Notion's own client", () => {
  it.each([
    [400, 'validation_error', 'unreadable'],
    [400, 'invalid_json', 'invalid'],
    [400, 'invalid_request_url', 'invalid'],
    [400, 'invalid_request', 'invalid'],
    [400, 'missing_version', 'invalid'],
    [400, 'invalid_beta', 'invalid'],
    [401, 'unauthorized', 'unauthorized'],
    [403, 'restricted_resource', 'restricted'],
    [404, 'object_not_found', 'gone'],
    [409, 'conflict_error', 'conflict'],
    [429, 'rate_limited', 'rate_limited'],
    [500, 'internal_server_error', 'server'],
    [502, 'bad_gateway', 'server'],
    [503, 'service_unavailable', 'server'],
    [503, 'database_connection_unavailable', 'server'],
    [504, 'gateway_timeout', 'server'],
    [529, 'service_overload', 'rate_limited'],
  ])('%i %s is %s', async (status, code, failureClass) => {
    const failure = await failureOf(notionError(status, code, { message: `about ${token}` }));
    expect(failure).toMatchObject({ class: failureClass, code, status });
    expect(failure.message).toBe(`status ${status} ${code}: about [token] (request_id c0ffee00-0000-4000-8000-000000000001)`);
  });

  it.each([401, 403, 404, 400, 409, 500, 502, 503, 504, 520, 302])(
    'HTML with status %i says nothing about the object or the token',
    async (status) => {
      expect(await failureOf(html(status, { 'cf-ray': '8a1b-FRA' }))).toMatchObject({
        class: 'server',
        code: 'not_a_notion_answer',
        message: expect.stringMatching(/^status \d+, not an answer of Notion's API \(text\/html; charset=utf-8, cf-ray 8a1b-FRA\)$/),
      });
    },
  );

  it('a 404 with a code other than object_not_found is not a missing object', async () => {
    expect(await failureOf(notionError(404, 'route_not_found'))).toMatchObject({ class: 'server', code: 'route_not_found' });
  });

  it.each([
    ['public_api_request_rate_limit', 'connection', 'public_api_request_rate_limit'],
    ['public_api_endpoint_rate_limit', 'connection', 'public_api_endpoint_rate_limit'],
    ['a_reason_of_tomorrow', 'connection', 'other'],
    ['public_api_space_request_rate_limit', 'workspace', 'public_api_space_request_rate_limit'],
  ])('recognises the reason %s', async (reason, scope, known) => {
    expect(await failureOf(notionError(429, 'rate_limited', { reason, retryAfter: '37' }))).toMatchObject({
      class: 'rate_limited',
      retryAfterMs: 37_000,
      reason: known,
      scope,
    });
  });

  it('an edge may throttle too, and an overload is recognised by its status', async () => {
    expect(await failureOf(html(429, { 'retry-after': '5' }))).toMatchObject({
      class: 'rate_limited',
      retryAfterMs: 5_000,
      reason: 'unknown',
    });
    expect(await failureOf(notionError(529, 'service_overload', { retryAfter: '2' }))).toMatchObject({
      scope: 'overload',
      retryAfterMs: 2_000,
    });
    expect(await failureOf(html(529))).toMatchObject({ class: 'rate_limited', scope: 'overload', retryAfterMs: null });
  });

  it('a blocked integration is refused permanently', async () => {
    const blocked = notionError(429, 'rate_limited', { reason: 'public_api_request_blocked', retryAfter: '60' });
    expect(await failureOf(blocked)).toMatchObject({ class: 'restricted', code: 'public_api_request_blocked' });
    expect(await failureOf(notionError(403, 'public_api_request_blocked'))).toMatchObject({
      class: 'restricted',
      code: 'public_api_request_blocked',
    });
  });

  it.each([
    ['a reset connection', reset, 'reset'],
    ['a truncated body', truncated, 'reset'],
    ['JSON that is cut off', cutJson, 'malformed_body'],
    ['HTML with status 200', html(200), 'malformed_body'],
  ])('%s is a network failure', async (_, reply, code) => {
    expect(await failureOf(reply)).toMatchObject({ class: 'network', code, status: null });
  });

  it.each([
    ['no answer', hang],
    ['half an answer', hangInBody],
  ])('%s is a network failure at the deadline', async (_, reply) => {
    expect(await failureOf(reply, 100)).toMatchObject({ class: 'network', code: 'deadline' });
  });

  it('an unreachable server is a network failure', async () => {
    const server = await startScriptedServer(() => hang);
    await server[Symbol.asyncDispose]();
    const { answer } = await callAt(server.url);
    expect(answer).toMatchObject({ failure: { class: 'network', code: 'ECONNREFUSED' } });
  });

  // The first such answer made dead letters, although the next one a second later was right.
  it.each([
    ['an array', []],
    ['null', null],
    ['a number', 7],
    ['an empty object', {}],
    ['an error', { object: 'error', status: 503, code: 'service_unavailable', message: 'm' }],
    ['a page', { object: 'page', id: databaseId }],
    ['another database', container({ id: '248104cd-477e-80fd-b757-e945d38000be' })],
    ['a database without an id', { object: 'database' }],
  ])('%s with status 200 is retried', async (_, body) => {
    expect(await failureOf({ status: 200, body })).toMatchObject({ class: 'server', code: 'unexpected_object', status: 200 });
  });

  it.each([
    ['Databases with multiple data sources are not supported in this API version.', {}],
    ['Not possible.', { minimum_api_version: '2027-01-01' }],
  ])('a refusal of the API version proves nothing about the object: %s', async (message, additional) => {
    const body = { object: 'error', status: 400, code: 'validation_error', message, additional_data: additional };
    expect(await failureOf({ status: 400, body })).toMatchObject({ class: 'invalid' });
  });

  it.each([
    [{ message: 'It took too long. Use a page_size of 25 or less.' }, 25],
    [{ message: 'm', additional_data: { retry_guidance: ['Wait a little.', 'Reduce page size to 40.'] } }, 40],
    [{ message: 'm', additional_data: { suggested_page_size: 30 } }, 30],
    [{ message: 'm', additional_data: { retry_guidance: ['Wait a little.'] } }, undefined],
  ])('reads the page size that an error advises: %j', async (more, advisedPageSize) => {
    const body = { object: 'error', status: 503, code: 'service_unavailable', ...more };
    expect((await failureOf({ status: 503, body })).advisedPageSize).toBe(advisedPageSize);
  });

  it('Retry-After in the body is read as one in the header, a number or a text', async () => {
    for (const retryAfter of ['7', 7]) {
      const body = {
        object: 'error',
        status: 503,
        code: 'service_unavailable',
        message: 'm',
        additional_data: { retry_after: retryAfter },
      };
      expect(await failureOf({ status: 503, body })).toMatchObject({ retryAfterMs: 7_000 });
    }
  });
});

describe('a call through the client', () => {
  it('sends the headers that the API requires, and keeps the body as received', async () => {
    await using server = await startScriptedServer(() => ({ status: 200, body: container() }));
    const { answer } = await callAt(`${server.url}/`);
    expect(answer).toMatchObject({ kind: 'ok', body: container(), text: JSON.stringify(container()) });
    expect(server.requests).toMatchObject([
      { method: 'GET', path: `/v1/databases/${databaseId}`, token, headers: { 'notion-version': '2026-03-11' } },
    ]);
  });

  it('is counted by endpoint and class of the status, without a tenant', async () => {
    expect((await callOnce({ status: 200, body: container() })).metrics).toContain(
      'notion_mirror_notion_requests_total{endpoint="databases.retrieve",status="2xx"} 1',
    );
    expect((await callOnce(html(502))).metrics).toContain('{endpoint="databases.retrieve",status="5xx"} 1');
    expect((await callOnce(reset)).metrics).toContain('{endpoint="databases.retrieve",status="none"} 1');
    const limited = await callOnce(notionError(429, 'rate_limited', { reason: 'made_up_by_an_answer' }));
    expect(limited.metrics).toContain('notion_mirror_notion_rate_limited_total{reason="other"} 1');
    expect(limited.metrics).toContain('notion_mirror_notion_request_duration_seconds_count{endpoint="databases.retrieve"} 1');
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-03-01T12:00:00.000Z');
  it.each([
    ['37', 37_000],
    ['0', 0],
    ['1.5', 1_500],
    ['Sun, 01 Mar 2026 12:01:00 GMT', 60_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    // A day is more often a mistake than intended.
    ['86400', 600_000],
    ['Mon, 02 Mar 2026 12:00:00 GMT', 600_000],
    ['999999999999', 600_000],
    ['-5', null],
    ['soon', null],
    ['', null],
    [null, null],
  ])('%s is %s ms', (value, ms) => {
    expect(parseRetryAfter(value, now)).toBe(ms);
  });
});
