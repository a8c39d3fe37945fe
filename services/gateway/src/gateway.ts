import { createAccess, observeAccess } from "@tapedeck/access";
import { LiveTapes } from "@tapedeck/live";
import { sessionGoneReasons } from "@tapedeck/protocol";
import type { Health, Logger, Metrics, RedisConnection, RequestGuard } from "@tapedeck/runtime";
import {
  createCommandCounter,
  interval,
  observeBlockCache,
  reportPubSubHealth,
  startPubSubProbe,
  throttledLog,
  trustedProxies,
} from "@tapedeck/runtime";
import { keysWith, Presence, SessionService, SessionStore, TickerQueue } from "@tapedeck/sessions";
import { awaitTapeStore, BlockCache, DamageReports, openTapeStore, TapeCatalog } from "@tapedeck/tape";
import { Trading } from "@tapedeck/trading";
import pLimit from "p-limit";
import { Admission } from "./admission/admission.js";
import { LegacySockets } from "./admission/legacy-sockets.js";
import { ClientConnections } from "./client/connection.js";
import { MessageRateLimits } from "./client/message-rate.js";
import { type SendQueue, type SendQueueContext, WriteBatcher } from "./client/send-queue.js";
import type { GatewayConfig } from "./config.js";
import { Covering } from "./covering/covering.js";
import { TickerLiveness } from "./covering/ticker-liveness.js";
import { createCounters, exposeCounters } from "./metrics.js";
import { handleRequest } from "./server/http.js";
import type { StartServer } from "./server/server.js";
import { ConflationTimer } from "./subscription/conflation.js";
import { DeliveryDelay } from "./subscription/delivery-timing.js";
import { OutageNotices } from "./subscription/outage-notices.js";
import { SessionSubscriptions } from "./subscription/registry.js";
import { SessionMessages } from "./subscription/session-messages.js";

/** A larger message ends the connection without a close code; between the protocol's limit and this the code is 1009. */
const maxMessageBytes = 262_144;
/** A last line of defence, above anything that a send queue sends at once. */
const maxBackpressure = 16_777_216;
const probeMs = 1_000;
/** If Redis takes our messages but returns none for this long, another node would serve better. */
const probeTimeoutMs = 3_000;
const outageCheckMs = 250;
const slowCheckMs = 500;
const readerCheckMs = 500;
const delaySampleMs = 100;
const legacyRefreshMs = 15_000;
/** How long a socket may outlive the share link that opened it. */
const shareCheckMs = 5_000;
/** How long after the one before each socket is closed when the node shuts down: others admit a hundred a second beside their own work. */
const drainApartMs = 10;
/** How often the feeds of LIVE sessions with sockets here are requested again. Requests expire later than that. */
const feedDemandMs = 15_000;
const feedDemandCheckMs = 1_000;
/** How many sessions switch to a feed's new tape at the same time. */
const concurrentTapeSwitches = 32;

export interface GatewayParts {
  readonly config: GatewayConfig;
  readonly guard: RequestGuard;
  readonly log: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly startServer: StartServer;
  /** Connections by purpose. The caller closes them. */
  readonly redis: {
    readonly commands: RedisConnection;
    readonly publisher: RedisConnection;
    readonly subscriber: RedisConnection;
  };
  /** The cluster's clock. */
  readonly now: () => number;
}

export interface Gateway {
  readonly url: string;
  /** What the heartbeat reports of this node. */
  fields(): Record<string, string | number>;
  /** Takes no more sockets. */
  stopAccepting(): void;
  /** Closes all sockets with 1012, a hundred a second, or all within DRAIN_MS; clients reconnect elsewhere, with their token, and miss nothing. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds a gateway and starts its server. */
export async function startGateway(parts: GatewayParts): Promise<Gateway> {
  const { config, guard, log, health, metrics, redis, now } = parts;
  const node = config.NODE_ID;
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const counters = createCounters();
  const access = createAccess("gateway", config, { redis: redis.commands, keys, log });
  const store = new SessionStore(redis.commands, keys, { caps: access.quotas });
  const tapeStore = await openTapeStore(config.TAPEDECK_STORE, config.S3_ENDPOINT, { mustExist: true });
  const awaited = awaitTapeStore(tapeStore, config.TAPEDECK_STORE, { health, log });
  const cache = new BlockCache(config.CACHE_MB * 2 ** 20);
  const live = new LiveTapes({
    redis: redis.commands,
    subscriber: redis.subscriber,
    keys,
    store: tapeStore,
    cache,
    log,
    lingerMs: config.LIVE_LINGER_S * 1000,
    instrumentsPerUser: access.quotas.instrumentsPerUser,
    instrumentStarts: access.quotas.instrumentStarts,
  });
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id, from) => store.orders(id, from), log });
  const tickerQueue = new TickerQueue({ redis: redis.commands, keys, queues: config.TICKER_QUEUES });
  const sessions = new SessionService({
    store,
    tapes,
    feeds: live,
    tickerQueue,
    log,
    ttl: config.SESSION_TTL_S,
    defaultTape: config.DEFAULT_TAPE,
  });
  const messages = new SessionMessages({ tapes, live, now, node });
  const presence = new Presence({ store, node, log });
  const legacySockets = new LegacySockets(redis.commands, keys, node, now);
  const connections = new ClientConnections();
  const sendQueues: SendQueueContext = {
    limits: { slowBytes: config.SLOW_BYTES, slowCloseMs: config.SLOW_CLOSE_MS },
    batcher: new WriteBatcher(),
    counters,
    slow: new Set<SendQueue>(),
  };
  const delay = new DeliveryDelay(metrics, now);
  const subscriptions = new SessionSubscriptions({
    subscriber: redis.subscriber,
    keys,
    log,
    context: {
      sessions,
      store,
      tapes,
      messages,
      edge: {
        live,
        store,
        conflationTimer: new ConflationTimer(),
        limitSwitches: pLimit(concurrentTapeSwitches),
        log,
      },
      counters,
      delay,
      pacing: { store, node, now, stallMs: config.READER_STALL_MS, log },
      log,
      onEnded: (subscription, cause) => {
        for (const subscriber of [...subscription.subscribers]) subscriber.close(4404, sessionGoneReasons[cause]);
      },
    },
  });
  const admission = new Admission({
    access,
    guard,
    trustedProxies: trustedProxies(config.TRUSTED_PROXIES),
    socketsPerSession: config.MAX_SOCKETS_PER_SESSION,
    sessions,
    subscriptions,
    presence,
    legacySockets,
    rateLimits: new MessageRateLimits({ socket: config.LIMIT_SOCKET_MESSAGES, user: config.LIMIT_MESSAGES }),
    connections,
    connectionContext: {
      access,
      messages,
      sendQueues,
      trading: new Trading({ store, sessions, tapes }),
      damage: new DamageReports(),
      sparingLog: throttledLog(log),
      countCommand: createCommandCounter(metrics),
      log,
    },
    startContext: { store, tapes, messages, counters, now },
    log,
  });
  exposeCounters(metrics, counters, {
    sockets: () => connections.size,
    sessions: () => subscriptions.size,
    slow: () => sendQueues.slow.size,
  });
  observeBlockCache(metrics, tapes.cache);
  observeAccess(metrics, access);

  // A gateway accepts no tokens for HTTP requests: with authentication on, its metrics are on STATUS_PORT or nowhere.
  const publicMetrics = config.STATUS_PORT === undefined && !access.users.required ? metrics : undefined;
  if (config.SIMULATION_WARM_UP) await tapes.warmUp();
  const server = await parts.startServer({
    host: config.HOST,
    port: config.PORT,
    maxMessageBytes,
    maxBackpressure,
    idleTimeoutS: config.IDLE_TIMEOUT_S,
    request: (request) => handleRequest(request, { guard, health, metrics: publicMetrics }),
    upgrade: (upgrade) => admission.handleUpgrade(upgrade),
  });
  const url = `http://${config.HOST}:${server.port}`;
  const probe = startPubSubProbe({
    publisher: redis.publisher,
    subscriber: redis.subscriber,
    channel: keys.probeChannel(node),
    intervalMs: probeMs,
    log,
  });
  const tickers = new TickerLiveness(redis.subscriber, keys.tickerBeats);
  const { subscriber } = redis;
  const covering = new Covering({
    subscriptions: () => subscriptions.all(),
    tickers,
    probe,
    subscriber,
    store,
    now,
    log,
  });
  metrics.observeGauge({
    name: "tapedeck_gateway_sessions_covered",
    help: "Sessions that this gateway renders, where their frames do not come, because their ticker is silent or their Redis master was away",
    read: () => covering.size,
  });
  const outageNotices = new OutageNotices({ subscriber, probe, subscriptions: () => subscriptions.all() });
  const timers = [
    interval(() => outageNotices.check(), outageCheckMs),
    interval(() => closeSlow(sendQueues), slowCheckMs),
    interval(() => {
      delay.wanted = true;
    }, delaySampleMs),
    interval(() => reportPubSubHealth(probe, health, { ...redis, timeoutMs: probeTimeoutMs }), probeMs),
    interval(() => {
      connections.closeRevoked(access.shares).catch((error) => log.debug({ err: error }, "share links not checked"));
    }, shareCheckMs),
    interval(() => {
      legacySockets.refresh().catch((error) => log.debug({ err: error }, "legacy sockets not noted"));
    }, legacyRefreshMs),
    interval(() => subscriptions.checkReaders(), readerCheckMs),
    interval(() => subscriptions.renewFeedDemands(feedDemandMs), feedDemandCheckMs),
  ];

  return {
    url,
    fields: () => ({
      role: "gateway",
      url,
      sockets: connections.size,
      sessions: subscriptions.size,
      messages_sent: counters.framesForwarded + counters.framesRendered,
      slow_sockets: sendQueues.slow.size,
    }),
    stopAccepting: () => {
      admission.stopAccepting();
      server.stopAccepting();
    },
    drain: () => connections.closeAll(1012, { apartMs: drainApartMs, atMostMs: config.DRAIN_MS }),
    stop: async () => {
      server.close();
      for (const stopTimer of timers) stopTimer();
      awaited.stop();
      covering.stop();
      tickers.stop();
      probe.stop();
      presence.stop();
      await presence.settled();
      await live.close();
      await tickerQueue.close();
    },
  };
}

function closeSlow({ slow }: SendQueueContext): void {
  const now = performance.now();
  for (const queue of [...slow]) if (queue.isTooSlow(now)) queue.close(4408, "too slow");
}
