import { createAccess, observeAccess } from "@tapedeck/access";
import { LiveTapes } from "@tapedeck/live";
import {
  type Health,
  type Logger,
  type Metrics,
  observeBlockCache,
  type RedisConnection,
  type RequestGuard,
  trustedProxies,
} from "@tapedeck/runtime";
import { keysWith, Presence, SessionService, SessionStore, TickerQueue } from "@tapedeck/sessions";
import { awaitTapeStore, BlockCache, openTapeStore, TapeCatalog } from "@tapedeck/tape";
import { Trading } from "@tapedeck/trading";
import { knownKey } from "./access/authenticate.js";
import { apiKeyOf } from "./access/signed-route.js";
import type { VenueConfig } from "./config.js";
import type { Venue } from "./context.js";
import { createApp } from "./http/app.js";
import { BinanceError } from "./http/binance-error.js";
import { listen } from "./http/listen.js";
import { OrderCounts } from "./http/order-counts.js";
import { RequestWeights } from "./http/request-weights.js";
import { createRequestCounter, observeVenue } from "./metrics.js";
import { Players } from "./player/players.js";
import { routes } from "./routes/index.js";
import { FollowedSessions } from "./session/followed-sessions.js";
import { socketRoutes } from "./sockets/index.js";
import { SocketServer } from "./sockets/socket-server.js";

export interface VenueParts {
  readonly config: VenueConfig;
  readonly guard: RequestGuard;
  readonly log: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Connections by purpose. The caller closes them. */
  readonly redis: { readonly commands: RedisConnection; readonly subscriber: RedisConnection };
  /** The cluster's clock. */
  readonly now: () => number;
}

export interface RunningVenue {
  readonly url: string;
  /** In the order of SESSION_PORTS. */
  readonly sessionUrls: readonly string[];
  /** What the heartbeat reports of this node. */
  fields(): Record<string, string | number>;
  /** Takes no more sockets, and closes all with 1012. */
  drain(): Promise<void>;
  /** Takes no more requests; resolves when those under way are answered. */
  stopServing(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds a venue's process and starts its server. */
export async function startVenue({
  config,
  guard,
  log,
  health,
  metrics,
  redis,
  now,
}: VenueParts): Promise<RunningVenue> {
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const access = createAccess("venue", config, { redis: redis.commands, keys, log });
  const store = new SessionStore(redis.commands, keys, { caps: access.quotas });
  const tapeStore = await openTapeStore(config.TAPEDECK_STORE, config.S3_ENDPOINT, { mustExist: true });
  const awaited = awaitTapeStore(tapeStore, config.TAPEDECK_STORE, { health, log });
  const cache = new BlockCache(config.CACHE_MB * 2 ** 20);
  const live = new LiveTapes({
    ...{ redis: redis.commands, subscriber: redis.subscriber, keys, store: tapeStore, cache, log },
    lingerMs: config.LIVE_LINGER_S * 1000,
    instrumentsPerUser: access.quotas.instrumentsPerUser,
    instrumentStarts: access.quotas.instrumentStarts,
  });
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id, from) => store.orders(id, from), log });
  const tickerQueue = new TickerQueue({ redis: redis.commands, keys, queues: config.TICKER_QUEUES });
  const sessions = new SessionService({
    ...{ store, tapes, feeds: live, tickerQueue, log },
    ttl: config.SESSION_TTL_S,
    defaultTape: config.DEFAULT_TAPE,
  });
  const trading = new Trading({ store, sessions, tapes, mostActions: access.quotas.actionsPerSession });
  const presence = new Presence({ store, node: config.NODE_ID, log });
  const followed = new FollowedSessions({ subscriber: redis.subscriber, keys, context: { store, sessions, log }, log });
  const players = new Players({
    sessions: followed,
    presence,
    context: { tapes, now, log, feed: { live, store, log } },
  });
  const venue: Venue = {
    ...{
      config,
      node: config.NODE_ID,
      now,
      log,
      redis: redis.commands,
      keys,
      store,
      sessions,
      tapes,
      players,
      trading,
    },
    ...{ live, access, guard, health, trustedProxies: trustedProxies(config.TRUSTED_PROXIES) },
    // A venue accepts no tokens: with authentication on, its metrics are on STATUS_PORT or nowhere.
    publicMetrics: config.STATUS_PORT === undefined && !access.users.required ? metrics : undefined,
    requests: createRequestCounter(metrics),
    weights: new RequestWeights(config.REQUEST_WEIGHT, now),
    orderCounts: new OrderCounts(now),
    async admit({ session, apiKey, headers }) {
      if (!access.users.required) return;
      const found = await store.read(session);
      const given = apiKeyOf({ headers }) ?? apiKey;
      if (found !== undefined && given !== undefined) {
        await knownKey(access.venueKeys, found.record, given);
        return;
      }
      const message =
        "This cluster requires a venue key of the session, in X-MBX-APIKEY or in the address: /SESSION~KEY/.";
      throw new BinanceError("REJECTED_MBX_KEY", message, { status: 401 });
    },
  };
  const sockets = new SocketServer(venue, socketRoutes);
  observeVenue(metrics, { sockets: () => sockets.size, sessions: () => players.size });
  observeBlockCache(metrics, tapes.cache);
  observeAccess(metrics, access);
  if (config.SIMULATION_WARM_UP) await tapes.warmUp();
  const app = createApp(venue, routes);
  const upgrade: Parameters<typeof listen>[1] = (...request) => sockets.handleUpgrade(...request);
  const { HOST: host } = config;
  const server = await listen(app, upgrade, { host, port: config.PORT });
  const ofSessions = await Promise.all(
    config.SESSION_PORTS.map(({ port, exchange, session }) =>
      listen(app, upgrade, { host, port, prefix: `/venue/${exchange}/${session}` }),
    ),
  );

  return {
    url: server.url,
    sessionUrls: ofSessions.map(({ url }) => url),
    fields: () => ({ url: server.url, sockets: sockets.size, sessions: players.size }),
    drain: () => sockets.drain(config.DRAIN_MS),
    async stopServing() {
      sockets.close();
      await Promise.all([server, ...ofSessions].map((each) => each.close()));
    },
    async stop() {
      awaited.stop();
      await players.stop();
      presence.stop();
      await presence.settled();
      await live.close();
      await tickerQueue.close();
    },
  };
}
