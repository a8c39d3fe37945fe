import { anonymous, type VenueKey, VenueKeys } from "@tapedeck/access";
import { connectRedis, createLogger, type RedisConnection } from "@tapedeck/runtime";
import { type Keys, keysWith, type SessionRecord, SessionService, SessionStore, TickerQueue } from "@tapedeck/sessions";
import { BlockCache, FolderTapeStore, TapeCatalog } from "@tapedeck/tape";

export interface VenueSessions {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly sessions: SessionService;
  readonly venueKeys: VenueKeys;
  recordOf(session: string): Promise<SessionRecord>;
  /** Makes a key to a session. @param publicKey PEM of an Ed25519 key */
  keyOf(session: string, publicKey?: string): Promise<VenueKey>;
  stop(): Promise<void>;
}

/** Makes sessions, and keys to their venue, as an api does. */
export function venueSessions({
  redisUrl,
  prefix,
  folder,
  defaultTape,
}: {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly folder: string;
  readonly defaultTape: string;
}): VenueSessions {
  const keys = keysWith(prefix);
  const log = createLogger({ service: "api", node: "test", level: "silent" });
  const redis = connectRedis({ url: redisUrl, purpose: "commands", name: "test", log });
  const store = new SessionStore(redis, keys);
  const tapes = new TapeCatalog(new FolderTapeStore(folder), {
    cache: new BlockCache(2 ** 24),
    orders: (id, from) => store.orders(id, from),
  });
  const tickerQueue = new TickerQueue({ redis, keys, queues: 1 });
  const sessions = new SessionService({ store, tapes, tickerQueue, log, defaultTape });
  const venueKeys = new VenueKeys(redis, keys);
  const recordOf = async (session: string) => {
    const found = await store.read(session);
    if (found === undefined) throw new Error(`there is no session ${session}`);
    return found.record;
  };
  return {
    redis,
    keys,
    sessions,
    venueKeys,
    recordOf,
    keyOf: async (session, publicKey) => venueKeys.create(await recordOf(session), anonymous, { name: "", publicKey }),
    async stop() {
      await tickerQueue.close();
      redis.disconnect();
    },
  };
}
