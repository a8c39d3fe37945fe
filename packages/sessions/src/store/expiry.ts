import type { WallMs } from "@tapedeck/protocol";
import { publish, type RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "../redis/keys.js";
import type { SessionRecord } from "../rules/record.js";
import { stateHead } from "./channel.js";
import type { IndexedSession, SessionIndex } from "./session-index.js";
import type { SessionTotals } from "./totals.js";

/**
 * When a session expires: `ttl` seconds after its last command or socket activity. Redis drops the hash then, since the scripts
 * that write `last_activity` renew its TTL; the index keeps this time so that maintenance can clean up afterwards.
 */
export function expiresAt({ lastActivity, ttl }: Pick<SessionRecord, "lastActivity" | "ttl">): WallMs {
  return lastActivity + ttl * 1000;
}

interface ExpiringStore {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly index: SessionIndex;
  readonly totals: SessionTotals;
}

/**
 * Cleans up after a session that has expired: counts it, removes what is left of it, and notifies its subscribers. False if
 * another node does it already.
 */
export async function expireSession(store: ExpiringStore, entry: IndexedSession, now: WallMs): Promise<boolean> {
  const { redis, keys, index, totals } = store;
  const { id } = entry;
  if (!(await index.claimExpired(entry, now))) return false;
  // Both are in the session's slot.
  await redis.del(keys.shares(id), keys.venueKeys(id));
  const createdAt = await index.createdAtOf(id);
  if (createdAt !== undefined) {
    await totals.expired(entry.score - createdAt, now);
    await index.remove(id, createdAt);
  }
  // Newer than any message of that session, older than the epoch of one that is being created under its id.
  const head = stateHead("D", Number.MAX_SAFE_INTEGER, Math.floor(entry.score), 0, "expired");
  await publish(redis, keys.sessionChannel(id), `${head}${JSON.stringify({ id })}`);
  await index.removeClaimed(id, now);
  return true;
}

/** Cleans up after an expired session before its id is used again. */
export async function expireFormer(store: ExpiringStore, id: string, now: WallMs): Promise<void> {
  const expiry = await store.index.expiryOf(id);
  if (expiry === undefined) return;
  if ((await store.redis.exists(store.keys.session(id))) === 1) return;
  await expireSession(store, { id, score: expiry }, now);
}
