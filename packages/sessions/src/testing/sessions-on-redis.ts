import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { SessionMaintenance } from "../maintenance.js";
import { type Keys, keysWith } from "../redis/keys.js";
import { SessionService, type SessionServiceOptions } from "../service.js";
import { SessionStore, type SessionStoreOptions } from "../store/store.js";
import { shelf, steadyTape } from "./synthetic-tape.js";

export interface SessionsOnRedis {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly store: SessionStore;
  readonly sessions: SessionService;
  readonly maintenance: SessionMaintenance;
  /** `{id}-{rev}` of each request for a ticker, in order. */
  readonly requested: string[];
  /** Logged warnings; none if all went well. */
  readonly warnings: unknown[];
  /** All keys under the prefix. */
  allKeys(): Promise<string[]>;
  /** Collects the messages of a channel from now on. */
  listen(channel: string): Promise<Buffer[]>;
  close(): Promise<void>;
}

/** Store, service and maintenance on a real Redis, under their own prefix, which `close` empties. */
export function sessionsOnRedis(
  url: string,
  {
    ttl = 3600,
    tapes = shelf(steadyTape(100)),
    ...options
  }: { ttl?: number; tapes?: SessionServiceOptions["tapes"] } & SessionStoreOptions = {},
): SessionsOnRedis {
  const prefix = `test-${randomUUID()}`;
  const keys = keysWith(prefix);
  const redis = new Redis(url);
  const subscribers: Redis[] = [];
  const store = new SessionStore(redis, keys, options);
  const requested: string[] = [];
  const warnings: unknown[] = [];
  const tickerQueue = {
    request: async ({ id, rev }: { id: string; rev: number }) => {
      requested.push(`${id}-${rev}`);
    },
  };
  const log = { debug: () => {}, info: () => {}, warn: (what: unknown) => void warnings.push(what) };
  const allKeys = () => redis.keys(`${prefix}:*`);
  return {
    redis,
    keys,
    store,
    sessions: new SessionService({ store, tapes, tickerQueue, log, ttl }),
    maintenance: new SessionMaintenance({ store, tickerQueue }),
    requested,
    warnings,
    allKeys,
    async listen(channel) {
      const subscriber = redis.duplicate();
      subscribers.push(subscriber);
      const received: Buffer[] = [];
      subscriber.on("messageBuffer", (_: Buffer, message: Buffer) => received.push(message));
      await subscriber.subscribe(channel);
      return received;
    },
    async close() {
      const left = await allKeys();
      if (left.length > 0) await redis.del(left);
      await Promise.all([redis, ...subscribers].map((each) => each.quit()));
    },
  };
}
