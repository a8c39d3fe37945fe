import { randomUUID } from "node:crypto";
import { type AccessConfig, accessEnv, createAccess } from "@tapedeck/access";
import { LiveTapes } from "@tapedeck/live";
import {
  connectRedis,
  createCommandCounter,
  createHealth,
  createLogger,
  createMetrics,
  type GuardSettings,
  RequestGuard,
  reportRedisHealth,
  trustedProxies,
} from "@tapedeck/runtime";
import {
  type Keys,
  keysWith,
  type SessionCaps,
  SessionService,
  SessionStore,
  TickerQueue,
  UserQueue,
} from "@tapedeck/sessions";
import { BlockCache, MemoryTapeStore, TapeCatalog, type TapeStore } from "@tapedeck/tape";
import { Trading } from "@tapedeck/trading";
import { z } from "zod";
import type { Api } from "../api.js";
import { createApp } from "../app.js";
import { FilePins } from "../files/file-pins.js";
import { GeneratedFiles } from "../files/generated-files.js";
import { listen } from "../http/listen.js";
import { createRequestMetrics } from "../http/request-metrics.js";
import { WebSockets } from "../http/web-socket.js";
import { openQueues } from "../pages/queues-page.js";
import { pagePolicy } from "../pages/static-pages.js";
import { OpenStreams } from "../tapes/open-streams.js";
import { waitingSlices } from "../tardis/data-feeds.js";

export interface TestApiOptions {
  readonly redisUrl: string;
  /** Key prefix, to share a cluster with another node; a random one otherwise. */
  readonly prefix?: string;
  readonly tapes?: TapeStore;
  /** Bound of the files that it makes. */
  readonly filesBytes?: number;
  /** How long a request waits for one. */
  readonly filesHoldMs?: number;
  readonly caps?: SessionCaps;
  readonly legacyModeGuess?: boolean;
  readonly trustedProxies?: string;
  readonly node?: string;
  /** Authentication and limits; none by default. */
  readonly access?: Partial<Record<keyof AccessConfig, string>>;
  /** The address that the node assumes to listen on, and its allowed hosts and origins. */
  readonly guard?: Partial<GuardSettings>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  readonly json: unknown;
}

export interface Ask {
  /** Text and bytes are sent as they are, other values as JSON without a Content-Type. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type TestApi = Pick<Api, "redis" | "keys" | "sessions" | "store"> & {
  readonly url: string;
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  stop(): Promise<void>;
};

/** One api node on its own port, with a real Redis. */
export async function startTestApi(options: TestApiOptions): Promise<TestApi> {
  const { redisUrl, prefix = `test-${randomUUID()}`, node = "api-test" } = options;
  const log = createLogger({ service: "api", node, level: "silent" });
  const redis = connectRedis({ url: redisUrl, purpose: "commands", name: node, log });
  const keys: Keys = keysWith(prefix);
  const access = createAccess("api", accessOf(options.access, prefix), { redis, keys, log });
  const { instrumentsPerUser, ...caps } = access.quotas;
  const store = new SessionStore(redis, keys, { caps: { ...caps, ...options.caps } });
  const subscriber = connectRedis({ url: redisUrl, purpose: "subscriber", name: "api-test", log });
  const tapeStore = options.tapes ?? new MemoryTapeStore();
  const cache = new BlockCache(2 ** 24);
  const live = new LiveTapes({ redis, subscriber, keys, store: tapeStore, cache, log, instrumentsPerUser });
  const tapes = new TapeCatalog(tapeStore, { cache, live, orders: (id, from) => store.orders(id, from) });
  const tickerQueue = new TickerQueue({ redis, keys, queues: 2, onError: () => {} });
  const searches = new UserQueue("searches");
  const sessions = new SessionService({ store, tapes, feeds: live, tickerQueue, searches, log, ttl: 600 });
  const metrics = createMetrics("api", node);
  const health = createHealth();
  reportRedisHealth(redis, health);
  const queues = openQueues({ redis, keys, log }, 2);
  const guard = new RequestGuard({ HOST: "127.0.0.1", ALLOWED_HOSTS: [], ALLOWED_ORIGINS: [], ...options.guard });
  const files = new GeneratedFiles({ diskBytes: options.filesBytes ?? 2 ** 26, holdMs: options.filesHoldMs, log });
  const sockets = new WebSockets();
  const app = createApp({
    node,
    sessions,
    store,
    tapes,
    trading: new Trading({ store, sessions, tapes, mostActions: access.quotas.actionsPerSession }),
    searches,
    streams: new OpenStreams(),
    sockets,
    slices: new UserQueue("minutes of data feeds", waitingSlices),
    files,
    pins: new FilePins(redis, keys),
    live,
    redis,
    keys,
    health,
    metrics,
    requests: createRequestMetrics(metrics.registry),
    countCommand: createCommandCounter(metrics),
    queues,
    log,
    access,
    guard,
    pagePolicy: pagePolicy([], guard),
    trustedProxies: trustedProxies(options.trustedProxies ?? ""),
    legacyModeGuess: options.legacyModeGuess ?? false,
    bodyBytes: 65_536,
  });
  const server = await listen(app, "127.0.0.1", 0, { sockets });
  return {
    redis,
    keys,
    sessions,
    store,
    url: server.url,
    ask: (method, path, ask) => request(server.url, method, path, ask),
    async stop() {
      await server.close();
      await files.close();
      await live.close();
      await Promise.all([tickerQueue, ...queues].map((queue) => queue.close()));
      for (const connection of [redis, subscriber]) connection.disconnect();
    },
  };
}

function accessOf(env: NodeJS.ProcessEnv = {}, prefix: string) {
  return { ...z.object(accessEnv).parse(env), HOST: "127.0.0.1", TAPEDECK_PREFIX: prefix };
}

async function request(url: string, method: string, path: string, { body, headers = {} }: Ask = {}): Promise<Answer> {
  const bytes = body instanceof Uint8Array ? Uint8Array.from(body) : undefined;
  const raw = bytes ?? (typeof body === "string" ? body : JSON.stringify(body));
  const answer = await fetch(`${url}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body: raw }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    get json(): unknown {
      return JSON.parse(text);
    },
  };
}
