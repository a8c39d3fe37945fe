import { createAccess, showAccess } from "@tapedeck/access";
import { LiveTapes } from "@tapedeck/live";
import { sessionGoneReasons } from "@tapedeck/protocol";
import type { Health, Logger, Metrics, Probe, RedisConnection, RequestGuard } from "@tapedeck/runtime";
import { countCommands, interval, proxyTrust, showBlockCache, sparing, startProbe } from "@tapedeck/runtime";
import { keysWith, SessionService, SessionStore, TickerQueue } from "@tapedeck/sessions";
import { BlockCache, DamageReports, openTapeStore, TapeCatalog } from "@tapedeck/tape";
import pLimit from "p-limit";
import type { GatewayConfig } from "./config.js";
import { createCounters } from "./counters.js";
import { DeliveryDelay } from "./delivery-delay.js";
import { Door } from "./door.js";
import { HeldBack } from "./held-back.js";
import { answerRequest } from "./http.js";
import { LegacyRegister } from "./legacy-register.js";
import type { Listen } from "./listener.js";
import { MessageBudgets } from "./message-budget.js";
import { exposeCounters } from "./metrics.js";
import type { Outlet, OutletShare } from "./outlet.js";
import { Presence } from "./presence.js";
import { SessionTexts } from "./session-texts.js";
import { WakeUp } from "./wake-up.js";
import { Watches } from "./watches.js";

/** Messages above this end a connection without a close code; between the protocol's limit and this the code is 1009. */
const maxMessageBytes = 262_144;
/** A last line of defence, above anything that an outlet sends at once. */
const maxBackpressure = 16_777_216;
const probeMs = 1_000;
/** Deaf for this long while Redis takes our messages: another node would serve better. */
const deafMs = 3_000;
const sweepMs = 500;
const delaySampleMs = 100;
const legacyRefreshMs = 15_000;
/** How long a socket may outlive the share link that opened it. */
const shareCheckMs = 5_000;
/** How often the feeds of LIVE sessions with sockets here are said to be wanted; they run on for longer than that. */
const wantMs = 15_000;
const wantLookMs = 1_000;
/** Sessions that go along with a feed's new tape at a time. */
const tuningsAtOnce = 32;

export interface GatewayParts {
  readonly config: GatewayConfig;
  readonly guard: RequestGuard;
  readonly log: Logger;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly listen: Listen;
  /** Connections by purpose; they stay the caller's to close. */
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
  /** What the heartbeat says of this node. */
  fields(): Record<string, string | number>;
  /** Takes no more sockets. */
  shut(): void;
  /** Closes all sockets with 1012 over DRAIN_MS; clients come back elsewhere, with their token, and miss nothing. */
  drain(): Promise<void>;
  stop(): Promise<void>;
}

/** Puts a gateway together and listens. */
export async function startGateway(parts: GatewayParts): Promise<Gateway> {
  const { config, guard, log, health, metrics, redis, now } = parts;
  const node = config.NODE_ID;
  const keys = keysWith(config.TAPEDECK_PREFIX);
  const counters = createCounters();
  const access = createAccess("gateway", config, { redis: redis.commands, keys, log });
  const store = new SessionStore(redis.commands, keys, { caps: access.quotas });
  const tapeStore = await openTapeStore(config.TAPEDECK_STORE, config.S3_ENDPOINT);
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
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id) => store.orders(id), log });
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
  const texts = new SessionTexts({ tapes, live, now, node });
  const presence = new Presence({ store, node, log });
  const legacyRegister = new LegacyRegister(redis.commands, keys, node, now);
  const share: OutletShare = {
    limits: { slowBytes: config.SLOW_BYTES, slowCloseMs: config.SLOW_CLOSE_MS },
    wakeUp: new WakeUp(),
    counters,
    slow: new Set<Outlet>(),
    damage: new DamageReports(),
    report: sparing(log),
    countCommand: countCommands(metrics),
  };
  const delay = new DeliveryDelay(metrics, now);
  const watches = new Watches({
    subscriber: redis.subscriber,
    keys,
    log,
    context: {
      sessions,
      store,
      tapes,
      texts,
      edge: { live, heldBack: new HeldBack(), tuning: pLimit(tuningsAtOnce), log },
      counters,
      delay,
      log,
      onGone: (watch, cause) => {
        for (const viewer of [...watch.viewers]) viewer.close(4404, sessionGoneReasons[cause]);
      },
    },
  });
  const door = new Door({
    access,
    sessions,
    watches,
    presence,
    legacyRegister,
    texts,
    welcomeContext: { store, tapes, texts, counters, now },
    share,
    trusted: proxyTrust(config.TRUSTED_PROXIES),
    guard,
    socketsPerSession: config.MAX_SOCKETS_PER_SESSION,
    messages: new MessageBudgets({ socket: config.LIMIT_SOCKET_MESSAGES, user: config.LIMIT_MESSAGES }),
    log,
  });
  exposeCounters(metrics, counters, {
    sockets: () => door.connections.size,
    sessions: () => watches.size,
    slow: () => share.slow.size,
  });
  showBlockCache(metrics, tapes.cache);
  showAccess(metrics, access);

  // A gateway reads no tokens of requests: where users have some, its numbers are on STATUS_PORT or nowhere.
  const publicMetrics = config.STATUS_PORT === undefined && !access.users.required ? metrics : undefined;
  if (config.SIMULATION_WARM_UP) await tapes.warmUp();
  const listener = await parts.listen({
    host: config.HOST,
    port: config.PORT,
    maxMessageBytes,
    maxBackpressure,
    idleTimeoutS: config.IDLE_TIMEOUT_S,
    request: (request) => answerRequest(request, { guard, health, metrics: publicMetrics }),
    upgrade: (upgrade) => door.answer(upgrade),
  });
  const probe = startProbe({
    publisher: redis.publisher,
    subscriber: redis.subscriber,
    channel: keys.probeChannel(node),
    intervalMs: probeMs,
    log,
  });
  const timers = [
    interval(() => sweep(share), sweepMs),
    interval(() => {
      delay.wanted = true;
    }, delaySampleMs),
    interval(() => watchHealth(health, probe, redis), probeMs),
    interval(() => {
      door.closeRevoked().catch((error) => log.debug({ err: error }, "share links not looked at"));
    }, shareCheckMs),
    interval(() => {
      legacyRegister.refresh().catch((error) => log.debug({ err: error }, "legacy sockets not noted"));
    }, legacyRefreshMs),
    interval(() => watches.wantFeeds(wantMs), wantLookMs),
  ];

  return {
    url: `http://${config.HOST}:${listener.port}`,
    fields: () => ({
      role: "gateway",
      url: `http://${config.HOST}:${listener.port}`,
      sockets: door.connections.size,
      sessions: watches.size,
      messages_sent: counters.framesForwarded + counters.framesRendered,
      slow_sockets: share.slow.size,
    }),
    shut: () => {
      door.shut();
      listener.stop();
    },
    drain: () => door.sendAway(1012, config.DRAIN_MS),
    stop: async () => {
      listener.close();
      for (const stopTimer of timers) stopTimer();
      probe.stop();
      presence.stop();
      await presence.settled();
      await live.close();
      await tickerQueue.close();
    },
  };
}

function sweep({ slow }: OutletShare): void {
  const now = performance.now();
  for (const outlet of [...slow]) if (outlet.sweep(now)) outlet.close(4408, "too slow");
}

/** Redis's absence is everybody's, so it only degrades; a subscriber that hears nothing while Redis is there is our own. */
function watchHealth(health: Health, probe: Probe, { commands, publisher }: GatewayParts["redis"]): void {
  const away = commands.status !== "ready";
  if (!away && probe.refused)
    health.set("masters", "degraded", "some of Redis does not answer; what lies there stands still");
  else health.set("masters", "ok");
  const deaf = !away && publisher.status === "ready" && !probe.heardWithin(deafMs);
  if (deaf) health.set("pubsub", "unready", "messages do not come back through Redis");
  else health.set("pubsub", "ok");
}
