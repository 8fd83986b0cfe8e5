import { randomUUID } from 'node:crypto';
import Koa from 'koa';
import type { CallCounters } from '../http/call-counters.ts';
import { createCallCounters } from '../http/call-counters.ts';
import { controlRouter } from '../http/control-api.ts';
import type { FaultKit } from '../http/faults.ts';
import { createFaultKit } from '../http/faults.ts';
import { listen, serve } from '../http/listen.ts';
import { createPoster } from '../http/post.ts';
import { createPendingWork } from '../pending-work.ts';
import { createRandom } from '../random.ts';
import { createActions } from './actions.ts';
import { createAnnouncer } from './announcer.ts';
import { mountRestApi } from './api.ts';
import type { NotionControl } from './control.ts';
import { createNotionControl } from './control.ts';
import { notionControlRoutes } from './control-routes.ts';
import { dataSourceRoutes } from './data-sources-api.ts';
import { databaseRoutes } from './databases-api.ts';
import { createDeliveryService } from './delivery.ts';
import { pageRoutes } from './pages-api.ts';
import { createQueryCursors } from './query-cursors.ts';
import { createRateLimiter } from './rate-limit.ts';
import type { TimestampStyle } from './render.ts';
import { createRenderer } from './render.ts';
import { createRowHistory } from './row-history.ts';
import { createRowVersions } from './row-versions.ts';
import { searchRoutes } from './search-api.ts';
import type { NotionSettings, SettingsInput } from './settings.ts';
import { createNotionSettings } from './settings.ts';
import { createSubscriptions } from './subscriptions.ts';
import { userRoutes } from './users-api.ts';
import { createWorld } from './world.ts';

export interface NotionEmulatorOptions extends SettingsInput {
  /** Default 0: a free one. */
  readonly port?: number | undefined;
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Milliseconds since the epoch, for timestamps and rate limit windows. Default: the machine's clock. Waits use real time. */
  readonly clock?: (() => number) | undefined;
  /** The same seed gives the same ids, tokens and random draws for the same actions. Default: random, see `NotionEmulator.seed`. */
  readonly seed?: string | number | undefined;
  /** How the API formats times. Default `millisecond`. */
  readonly timestamps?: TimestampStyle | undefined;
  /** Whether a container still lists a source that was trashed on its own. Default false. */
  readonly listTrashedDataSources?: boolean | undefined;
  /** How long new objects are missing from search. Default 0. */
  readonly searchIndexLagMs?: number | undefined;
}

export interface NotionEmulator extends NotionControl {
  /** The base of the REST API, without `/v1`: the `baseUrl` of @notionhq/client. */
  readonly url: string;
  readonly port: number;
  readonly seed: string;
  readonly settings: NotionSettings;
  readonly faults: FaultKit;
  readonly calls: CallCounters;
  /** Discards everything except the settings. Ids are not reused. */
  reset(): void;
  /** Drops undelivered webhooks, and closes. */
  stop(): Promise<void>;
}

/** Starts a Notion emulator: REST API, webhooks, and a control API under `/_control`. */
export async function startNotionEmulator(options: NotionEmulatorOptions = {}): Promise<NotionEmulator> {
  const seed = String(options.seed ?? randomUUID());
  const random = createRandom(seed);
  const now = options.clock ?? Date.now;
  const settings = createNotionSettings({
    delivery: options.delivery,
    announce: options.announce,
    rateLimit: options.rateLimit,
    rows: options.rows,
  });
  const stopped = new AbortController();

  const { listTrashedDataSources = false } = options;
  const world = createWorld({ random: random.fork('world'), now });
  const pending = createPendingWork();
  const poster = createPoster({ maxConcurrent: 256 });
  const deliveries = createDeliveryService({
    settings: () => settings.current().delivery,
    poster,
    random: random.fork('delivery'),
    now,
    pending,
  });
  const subscriptions = createSubscriptions({
    world,
    random: random.fork('subscriptions'),
    deliveries,
    pending,
    aggregationMs: () => settings.current().delivery.aggregationMs,
    leavesTrace: (type) => type === 'data_source' && listTrashedDataSources,
  });
  const announce = () => settings.current().announce;
  const announcer = createAnnouncer({
    world,
    settings: announce,
    random: random.fork('announcer'),
    publish: (occurrence) => subscriptions.publish(occurrence),
  });
  const rowSettings = () => settings.current().rows;
  const versions = createRowVersions({
    isOn: () => rowSettings().keepVersions,
    find: (id) => world.page(id),
    isRow: (page) => page.parent.type === 'data_source' && !world.inTrash(page),
  });
  const history = createRowHistory({
    now,
    keptMs: () => rowSettings().lagMs[1],
    exists: ({ id }) => world.page(id) !== undefined,
    versions,
  });
  const cursors = createQueryCursors({ now, lifeMs: () => rowSettings().cursorLifeMs, newId: () => world.answers.uuid() });
  const actions = createActions({ world, history, announcer, settings: announce });
  const render = createRenderer(world, {
    timestamps: options.timestamps ?? 'millisecond',
    listTrashedDataSources,
    relatedBudget: () => rowSettings().relatedBudget ?? Infinity,
    versions,
  });
  const faults = createFaultKit(random.fork('faults'));
  const calls = createCallCounters();
  const limiter = createRateLimiter(() => settings.current().rateLimit, now);
  const control = createNotionControl({ world, actions, render, versions, subscriptions, deliveries, pending });

  const reset = () => {
    subscriptions.clear();
    deliveries.clearLog();
    world.clear();
    history.clear();
    versions.clear();
    cursors.clear();
    faults.clear();
    calls.reset();
    limiter.reset();
  };

  const parts = { world, actions, render, queries: { history, cursors, settings: rowSettings } };
  const routes = [
    ...databaseRoutes(parts),
    ...dataSourceRoutes(parts),
    ...pageRoutes(parts),
    ...searchRoutes(parts, { indexLagMs: options.searchIndexLagMs ?? 0 }),
    ...userRoutes(parts),
  ];
  const app = new Koa();
  app.use(controlRouter(notionControlRoutes({ control, settings, faults, calls, reset, seed })).routes());
  mountRestApi({ app, world, routes, faults, calls, limiter, stopped: stopped.signal });
  const server = await listen(serve(app), { port: options.port ?? 0, host: options.host ?? '127.0.0.1' });

  return {
    ...control,
    url: server.url,
    port: server.port,
    seed,
    settings,
    faults,
    calls,
    reset,
    stop: async () => {
      stopped.abort();
      subscriptions.stop();
      deliveries.stop();
      poster.close();
      await server.close();
    },
  };
}
