import { createConnectionStore } from '@notion-mirror/mirror-store/connection-store';
import type { Scenario } from '../scenario.ts';

const rateLimitStorm: Scenario = {
  name: 'notion-429-storm',
  what: 'Notion answers half of all calls with 429 and Retry-After 1 or 0, for various reasons',
  async damage({ notionFault, between, system, count }) {
    const storm = { kind: 'rate_limited', probability: 0.25, retryAfterSeconds: 1 } as const;
    notionFault(storm);
    notionFault({ ...storm, rateLimitReason: 'public_api_space_request_rate_limit', retryAfterSeconds: 0 });
    await between(6_000, 8_000);
    system.notion.faults.clear();
    count(
      'calls429',
      system.notion.calls.counts().reduce((sum, { statuses }) => sum + (statuses['429'] ?? 0), 0),
    );
  },
};

const serverErrors: Scenario = {
  name: 'notion-5xx',
  what: 'Notion answers 500, 502 with HTML, 503, 504, 529 and 409',
  async damage({ notionFault, between }) {
    for (const kind of [
      'internal_server_error',
      'bad_gateway',
      'service_unavailable',
      'gateway_timeout',
      'service_overload',
      'conflict_error',
    ] as const) {
      notionFault({ kind, probability: 0.12, retryAfterSeconds: 1 });
    }
    await between(6_000, 8_000);
  },
};

const hangs: Scenario = {
  name: 'notion-hangs',
  what: 'one call in five to Notion is never answered',
  async damage({ notionFault, between }) {
    notionFault({ kind: 'hang', probability: 0.2 });
    await between(6_000, 8_000);
  },
};

const brokenAnswers: Scenario = {
  name: 'notion-broken-answers',
  what: "Notion's connections are reset, bodies and JSON are truncated, a 200 holds something else",
  async damage({ notionFault, between }) {
    for (const kind of ['connection_reset', 'truncated_body', 'malformed_json'] as const) notionFault({ kind, probability: 0.15 });
    for (const body of [{}, { object: 'error', status: 503, code: 'service_unavailable', message: 'Try later.' }]) {
      notionFault({ kind: 'answer', body, probability: 0.1 });
    }
    await between(6_000, 8_000);
  },
};

const skewed = (name: string, seconds: number): Scenario => ({
  name,
  what: `Notion's clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} ours`,
  async damage({ skewNotion, between }) {
    skewNotion(seconds);
    await between(4_000, 6_000);
  },
});

const nangoTroubles: Scenario = {
  name: 'nango-troubles',
  what: "Nango's API answers 500 or nothing while the workers need tokens",
  async damage({ system, services, between }) {
    system.nango.faults.inject({ kind: 'internal_server_error', probability: 0.4, path: '/connection*' });
    system.nango.faults.inject({ kind: 'connection_reset', probability: 0.2, path: '/connection*' });
    // A new process has no cached token.
    await services.kill('sync-worker');
    await services.startMissing(['sync-worker']);
    await between(5_000, 7_000);
  },
};

const deadTokens: Scenario = {
  name: 'dead-tokens',
  what: "Notion refuses every fifth customer's token: their events wait until they reconnect",
  async damage({ system, customers, between, until, count }) {
    const store = createConnectionStore(system.db);
    const refused = customers.filter((_, index) => index % 5 === 0);
    for (const { botToken } of refused) system.notion.faults.inject({ kind: 'unauthorized', token: botToken });
    const statuses = async () =>
      (await store.list()).filter(({ status }) => status === 'unauthorized').map(({ connectionId }) => connectionId);
    await until('a connection becomes unauthorized', async () => (await statuses()).length > 0);
    await between(4_000, 6_000);
    const unauthorized = await statuses();
    count('unauthorized', unauthorized.length);
    system.notion.faults.clear();
    // Including connections that become unauthorized just now.
    await until('all are active again', async () => {
      for (const connectionId of await statuses()) await store.resume(connectionId);
      return (await store.list()).every(({ status }) => status === 'active');
    });
  },
};

const tokenSpell: Scenario = {
  name: 'token-spell',
  what: 'Notion briefly refuses every token: all connections become active again by themselves',
  async damage({ system, notionFault, between, until }) {
    const store = createConnectionStore(system.db);
    notionFault({ kind: 'unauthorized' });
    await between(6_000, 8_000);
    system.notion.faults.clear();
    const isActive = async () => (await store.list()).every(({ status }) => status === 'active');
    await until('all are active again', isActive, 240_000);
  },
};

export const notionScenarios: readonly Scenario[] = [
  rateLimitStorm,
  serverErrors,
  hangs,
  brokenAnswers,
  skewed('clock-ahead', 5),
  skewed('clock-behind', -5),
  nangoTroubles,
  deadTokens,
  tokenSpell,
];
