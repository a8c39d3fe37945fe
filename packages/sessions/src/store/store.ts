import { setTimeout as delay } from "node:timers/promises";
import { limits, RefusedError, refuse, type SessionStats, type StateCause, type WallMs } from "@tapedeck/protocol";
import { publish, type RedisConnection, redisTime, traceparent } from "@tapedeck/runtime";
import type { PlacedOrder } from "@tapedeck/tape";
import type { Keys } from "../redis/keys.js";
import { orUnavailable } from "../redis/unavailable.js";
import { decodeEpoch, type EndedEpoch } from "../rules/ended-epoch.js";
import type { SessionRecord } from "../rules/record.js";
import { decodeOrder, encodeOrder, type StoredOrder } from "../trading/orders.js";
import { stateHead } from "./channel.js";
import { type ListPage, type ListQuery, listSessions } from "./list.js";
import { NodeHeartbeats } from "./node-heartbeats.js";
import { changedFields, decodeRecord, encodeRecord, flattenHash, unflattenHash } from "./record-codec.js";
import { defineSessionScripts } from "./scripts/scripts.js";
import { type IndexedSession, SessionIndex } from "./session-index.js";
import { readStats } from "./stats.js";
import { SessionTotals } from "./totals.js";
import { decodeViewers, sumOfViewers } from "./viewers.js";

/** Caps on sessions; absent means none. */
export interface SessionCaps {
  readonly sessions?: number | undefined;
  readonly sessionsPerAddress?: number | undefined;
  readonly sessionsPerUser?: number | undefined;
}

export interface SessionStoreOptions {
  readonly caps?: SessionCaps;
}

/** A session as it was at Redis time `now`. */
export interface StoredSession {
  readonly record: SessionRecord;
  readonly now: WallMs;
  /** Sockets that watch it, on all gateways. */
  readonly connections: number;
}

export type ReplaceOutcome = { rev: number; message: string } | "someone was faster" | "gone" | "too late";

/**
 * Sessions in Redis, and nothing of what they mean. Every write is a script that does nothing when the session is gone, so
 * that a late one never brings it back. Rejects with `UNAVAILABLE` while Redis is away.
 */
export class SessionStore {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly index: SessionIndex;
  readonly totals: SessionTotals;
  readonly #caps: SessionCaps;
  readonly #nodes: NodeHeartbeats;

  constructor(redis: RedisConnection, keys: Keys, { caps = {} }: SessionStoreOptions = {}) {
    this.redis = defineSessionScripts(redis);
    this.keys = keys;
    this.#nodes = new NodeHeartbeats(redis, keys.nodes);
    this.index = new SessionIndex(redis, keys);
    this.totals = new SessionTotals(redis, keys);
    this.#caps = caps;
  }

  /** One round trip. A read is no sign of life. */
  async read(id: string): Promise<StoredSession | undefined> {
    const { record, ...rest } = await this.lookUp(id);
    return record && { record, ...rest };
  }

  /** Redis's clock. */
  async now(): Promise<WallMs> {
    return await orUnavailable(redisTime(this.redis));
  }

  /** As `read`, with Redis's clock also where there is no such session. */
  async lookUp(id: string): Promise<{ record: SessionRecord | undefined; now: WallMs; connections: number }> {
    const { fields, viewers, now } = await this.#read(id);
    const record = fields.length === 0 ? undefined : decodeRecord(unflattenHash(fields));
    return { record, now, connections: sumOfViewers(viewers) };
  }

  async #read(id: string): Promise<{ fields: string[]; viewers: Map<string, number>; now: WallMs }> {
    const [[fields, viewers, time], beats] = await orUnavailable(
      Promise.all([this.redis.sessionRead(this.keys.session(id), this.keys.viewers(id)), this.#nodes.beats()]),
    );
    const now = Number(time[0]) * 1000 + Number(time[1]) / 1000;
    return { fields, viewers: decodeViewers(unflattenHash(viewers), now, beats), now };
  }

  /**
   * Writes a session unless there is one by its id; that one then comes back. The index comes first, so that a crash in
   * between leaves an entry that expires, not a session that nobody finds. Refuses with `TOO_MANY_SESSIONS`.
   */
  async create(record: SessionRecord): Promise<StoredSession & { created: boolean }> {
    const { id } = record;
    await orUnavailable(this.#settleFormer(id, record.createdAt));
    await orUnavailable(this.#admit(record));
    const fields = flattenHash(encodeRecord(record));
    const session = this.keys.session(id);
    const written = await orUnavailable(
      this.redis.sessionCreate(
        session,
        this.keys.viewers(id),
        this.keys.epochs(id),
        this.keys.orders(id),
        record.ttl,
        ...fields,
      ),
    );
    if (written === 1) {
      await orUnavailable(this.totals.created(record.mode, record.createdAt));
      return { record, now: record.createdAt, connections: 0, created: true };
    }
    const there = await this.lookUp(id);
    if (there.record === undefined) return await this.create({ ...record, createdAt: there.now });
    await orUnavailable(this.index.write(entryOf(there.record)));
    return { ...there, record: there.record, created: false };
  }

  /**
   * Writes what `after` changes of `before` if the session still has the revision of `before`, and publishes it with its
   * cause. `alive` says whether this is a sign of life that renews the TTL; `ended` is the epoch that the change ends, `order` the
   * one that led to it, and `by` Redis's time after which it is too late for it.
   */
  async replace(
    before: SessionRecord,
    after: SessionRecord,
    cause: StateCause,
    {
      alive = true,
      ended,
      order,
      by,
    }: {
      alive?: boolean;
      ended?: EndedEpoch | undefined;
      order?: PlacedOrder | undefined;
      by?: WallMs | undefined;
    } = {},
  ): Promise<ReplaceOutcome> {
    const { id } = after;
    const fields = encodeRecord(after);
    const head = stateHead("S", after.rev, after.epoch, after.anchorSeq, cause);
    // Where the command is traced, its trace goes along to those who show what it does.
    const trace = traceparent();
    const message = `${head}${JSON.stringify(trace === undefined ? fields : { ...fields, trace })}`;
    const outcome = await orUnavailable(
      this.redis.sessionReplace(
        this.keys.session(id),
        this.keys.epochs(id),
        this.keys.viewers(id),
        this.keys.orders(id),
        before.rev,
        alive ? after.ttl : 0,
        message,
        ended === undefined ? "" : JSON.stringify(ended),
        order === undefined ? "" : encodeOrder(order, after),
        limits.epochs,
        by ?? 0,
        ...flattenHash(changedFields(before, after)),
      ),
    );
    if (outcome === 0) return "someone was faster";
    if (outcome === -1) return "gone";
    if (outcome === -2) return "too late";
    return { rev: after.rev, message };
  }

  /**
   * A sign of life that changes nothing: the session lives for a whole TTL from now. A gateway tells with it how many of its
   * sockets watch (0 when the last has closed), and repeats that every 2 minutes or quarter of the TTL, whichever is sooner; it
   * counts for 5 minutes, or half the TTL, if the gateway lives. False: the session is gone.
   */
  async touch(id: string, node = "", sockets = 0): Promise<boolean> {
    const reply = await orUnavailable(
      this.redis.sessionTouch(
        this.keys.session(id),
        this.keys.viewers(id),
        this.keys.epochs(id),
        this.keys.orders(id),
        node,
        sockets,
      ),
    );
    if (reply === null) return false;
    const [createdAt, lastActivity, ttl, mode, state, createdBy, userId] = reply;
    const expiresAt = Number(lastActivity) + Number(ttl) * 1000;
    const entry = { id, mode, state, createdAt: Number(createdAt), expiresAt, createdBy, userId };
    await orUnavailable(this.index.write(entry));
    return true;
  }

  /** Brings the index up to a session as it is. */
  async reindex(record: SessionRecord): Promise<void> {
    await orUnavailable(this.index.write(entryOf(record)));
  }

  /** Sockets that watch a session, by gateway. */
  async viewers(id: string): Promise<Map<string, number>> {
    return (await this.#read(id)).viewers;
  }

  /** The last epochs that are over, newest first, at most `limits.epochs`. */
  async epochs(id: string): Promise<EndedEpoch[]> {
    const texts = await orUnavailable(this.redis.lrange(this.keys.epochs(id), 0, limits.epochs - 1));
    return texts.map(decodeEpoch);
  }

  /** The orders that the session's user gave in its simulated markets, with what came of them, the first of them first. */
  async orders(id: string): Promise<StoredOrder[]> {
    const texts = await orUnavailable(this.redis.lrange(this.keys.orders(id), 0, -1));
    return texts.map(decodeOrder);
  }

  /** Takes a session away; undefined if there was none. Whoever watches it hears so on its channel. */
  async delete(id: string): Promise<SessionRecord | undefined> {
    const { now } = await this.lookUp(id);
    const fields = await orUnavailable(
      this.redis.sessionDelete(
        this.keys.session(id),
        this.keys.viewers(id),
        this.keys.epochs(id),
        this.keys.orders(id),
        JSON.stringify({ id }),
      ),
    );
    if (fields.length === 0) return undefined;
    const record = decodeRecord(unflattenHash(fields));
    await orUnavailable(this.redis.del(this.keys.shares(id)));
    await orUnavailable(this.index.remove(id, record.createdAt, record));
    await orUnavailable(this.index.removeExpiry(id));
    await orUnavailable(this.totals.deleted(now - record.createdAt, now));
    // Jumps faster than one in a millisecond take epochs ahead of the clock; the id's next session begins above them.
    const ahead = record.epoch + 1 - now;
    if (ahead > 0) await delay(Math.min(ahead, 1000));
    return record;
  }

  /** A page of sessions, newest first. */
  async list(query: ListQuery): Promise<ListPage> {
    return await orUnavailable(listSessions(this, query));
  }

  async stats(): Promise<SessionStats> {
    return await orUnavailable(readStats(this, await this.now()));
  }

  /** A session that has expired: counts it, cleans up after it, and tells whoever still listens. */
  async expire(entry: IndexedSession, now: WallMs): Promise<boolean> {
    const { id } = entry;
    if (!(await this.index.claimExpired(entry, now))) return false;
    await this.redis.del(this.keys.shares(id));
    const createdAt = await this.index.createdAtOf(id);
    if (createdAt !== undefined) {
      await this.totals.expired(entry.score - createdAt, now);
      await this.index.remove(id, createdAt);
    }
    // Newer than anything heard of that session, older than one that is just being made under its id.
    const head = stateHead("D", Number.MAX_SAFE_INTEGER, Math.floor(entry.score), 0, "expired");
    await publish(this.redis, this.keys.sessionChannel(id), `${head}${JSON.stringify({ id })}`);
    await this.index.removeClaimed(id, now);
    return true;
  }

  async #settleFormer(id: string, now: WallMs): Promise<void> {
    const expiresAt = await this.index.expiryOf(id);
    if (expiresAt === undefined) return;
    if ((await this.redis.exists(this.keys.session(id))) === 1) return;
    await this.expire({ id, score: expiresAt }, now);
  }

  /** The entry is written first and counted with the others, so that callers at the same time cannot exceed a cap together. */
  async #admit(record: SessionRecord): Promise<void> {
    const { id, createdAt, createdBy, userId } = record;
    await this.index.write(entryOf(record));
    const { sessions, sessionsPerAddress, sessionsPerUser } = this.#caps;
    const all = sessions === undefined ? 0 : await this.index.countLiving(createdAt);
    const own =
      sessionsPerAddress === undefined || createdBy === "" ? 0 : await this.index.countCreatedBy(createdBy, createdAt);
    const ofUser =
      sessionsPerUser === undefined || userId === "" ? 0 : await this.index.countOwnedBy(userId, createdAt);
    const excess =
      all > (sessions ?? Infinity)
        ? `The cluster holds its ${sessions} sessions`
        : own > (sessionsPerAddress ?? Infinity)
          ? `This address has created its ${sessionsPerAddress} sessions`
          : ofUser > (sessionsPerUser ?? Infinity)
            ? `This user has ${sessionsPerUser} sessions already`
            : undefined;
    if (excess === undefined) return;
    if ((await this.redis.exists(this.keys.session(id))) === 1) return;
    await this.index.remove(id, createdAt, record);
    await this.index.removeExpiry(id);
    throw new RefusedError(refuse("TOO_MANY_SESSIONS", `${excess}; delete one, or wait until one expires.`), {
      retryAfter: 10,
    });
  }
}

function entryOf(record: SessionRecord) {
  const { id, mode, state, createdAt, lastActivity, ttl, createdBy, userId } = record;
  return { id, mode, state, createdAt, expiresAt: lastActivity + ttl * 1000, createdBy, userId };
}
