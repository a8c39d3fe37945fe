import { setTimeout as delay } from "node:timers/promises";
import { limits, RefusedError, refuse, type SessionStats, type StateCause, type WallMs } from "@tapedeck/protocol";
import { type RedisConnection, redisTime, traceparent } from "@tapedeck/runtime";
import type { PlacedOrder, Seq } from "@tapedeck/tape";
import { flattenHash, unflattenHash } from "../redis/flat-hash.js";
import type { Keys } from "../redis/keys.js";
import { orUnavailable } from "../redis/unavailable.js";
import type { EndedEpoch } from "../rules/epochs.js";
import type { SessionRecord } from "../rules/record.js";
import { decodeAction, decodeBranch, type LeftBranch, type LoggedAction } from "../trading/action-log.js";
import { CheckpointStore } from "../trading/checkpoints.js";
import { decodeOrder, encodeOrder, type StoredOrder } from "../trading/orders.js";
import { stateHead } from "./channel.js";
import { expireFormer, expireSession, expiresAt } from "./expiry.js";
import { type ListPage, type ListQuery, listSessions } from "./list.js";
import { type AdvanceReply, type AdvanceRequest, advance, holdMs } from "./readers.js";
import { changedFields, decodeEpoch, decodeRecord, encodeRecord, type StoredSession } from "./record-codec.js";
import { defineSessionScripts, sessionKeys } from "./scripts/scripts.js";
import { type IndexedSession, SessionIndex } from "./session-index.js";
import { readStats } from "./stats.js";
import { SessionTotals } from "./totals.js";
import { decodeViewers, NodeHeartbeats, sumOfViewers } from "./viewers.js";

/** Caps on sessions; absent means unlimited. */
export interface SessionCaps {
  readonly sessions?: number | undefined;
  readonly sessionsPerAddress?: number | undefined;
  readonly sessionsPerUser?: number | undefined;
}

export interface SessionStoreOptions {
  readonly caps?: SessionCaps;
}

/** A script blocks Redis: for so many sessions about 0.2 ms. */
const progressPerCall = 64;

/** Lines for the log of actions, which had `length` when they were made. */
export interface AddedActions {
  readonly lines: readonly string[];
  readonly length: number;
}

type ReplaceOutcome = { rev: number; message: string } | "conflict" | "gone" | "too late";

/**
 * Sessions in Redis, without their rules. Every write is a script that does nothing if the session is gone, so that a late one
 * never brings it back. Rejects with `UNAVAILABLE` while Redis is away.
 */
export class SessionStore {
  readonly redis: RedisConnection;
  readonly keys: Keys;
  readonly index: SessionIndex;
  readonly totals: SessionTotals;
  readonly checkpoints: CheckpointStore;
  readonly #caps: SessionCaps;
  readonly #nodes: NodeHeartbeats;

  constructor(redis: RedisConnection, keys: Keys, { caps = {} }: SessionStoreOptions = {}) {
    this.redis = defineSessionScripts(redis);
    this.keys = keys;
    this.#nodes = new NodeHeartbeats(redis, keys.nodes);
    this.index = new SessionIndex(redis, keys);
    this.totals = new SessionTotals(redis, keys);
    this.checkpoints = new CheckpointStore(this.redis, keys);
    this.#caps = caps;
  }

  /** One round trip. A read does not extend the session's life. */
  async read(id: string): Promise<StoredSession | undefined> {
    const { record, ...rest } = await this.lookUp(id);
    return record && { record, ...rest };
  }

  /**
   * As `read`, for a command. The playhead of a session in lossless pace then stands until `heldUntil`, Redis's time in ms, by which the
   * command must be written; 0 for a session whose playhead readers do not move.
   */
  async hold(id: string): Promise<(StoredSession & { readonly heldUntil: WallMs }) | undefined> {
    const call = this.redis.sessionHold(this.keys.session(id), this.keys.viewers(id), this.keys.readers(id), holdMs);
    const [[fields, viewers, time, until], heartbeats] = await orUnavailable(Promise.all([call, this.#nodes.byNode()]));
    if (fields.length === 0) return undefined;
    const now = msOf(time);
    const connections = sumOfViewers(decodeViewers(unflattenHash(viewers), now, heartbeats));
    return { record: decodeRecord(unflattenHash(fields)), now, connections, heldUntil: Number(until) };
  }

  /** After a command that changed nothing. */
  async releaseHold({ id, rev }: Pick<SessionRecord, "id" | "rev">, heldUntil: WallMs): Promise<void> {
    await orUnavailable(this.redis.sessionReleaseHold(this.keys.readers(id), rev, heldUntil.toFixed(3)));
  }

  /** Reports readers of a session in lossless pace, and moves its playhead as far as all of them allow. */
  async advance(request: AdvanceRequest): Promise<AdvanceReply> {
    return await advance(this.redis, this.keys, request);
  }

  /** How often the session has changed by now; undefined if there is none. */
  async revision(id: string): Promise<Pick<SessionRecord, "epoch" | "rev"> | undefined> {
    const [epoch, rev] = await orUnavailable(this.redis.hmget(this.keys.session(id), "epoch", "rev"));
    return typeof epoch === "string" && typeof rev === "string"
      ? { epoch: Number(epoch), rev: Number(rev) }
      : undefined;
  }

  /** Redis's clock. */
  async now(): Promise<WallMs> {
    return await orUnavailable(redisTime(this.redis));
  }

  /** As `read`, with Redis's clock even if there is no such session. */
  async lookUp(id: string): Promise<{ record: SessionRecord | undefined; now: WallMs; connections: number }> {
    const { fields, viewers, now } = await this.#read(id);
    const record = fields.length === 0 ? undefined : decodeRecord(unflattenHash(fields));
    return { record, now, connections: sumOfViewers(viewers) };
  }

  async #read(id: string): Promise<{ fields: string[]; viewers: Map<string, number>; now: WallMs }> {
    const [sessionKey, viewersKey] = sessionKeys(this.keys, id);
    const [[fields, viewers, time], heartbeats] = await orUnavailable(
      Promise.all([this.redis.sessionRead(sessionKey, viewersKey), this.#nodes.byNode()]),
    );
    const now = msOf(time);
    return { fields, viewers: decodeViewers(unflattenHash(viewers), now, heartbeats), now };
  }

  /**
   * Writes a session unless there is one with its id; then returns that one. The index is written first, so that a crash in
   * between leaves an entry that expires, not a session that cannot be found. Refuses with `TOO_MANY_SESSIONS`.
   */
  async create(record: SessionRecord): Promise<StoredSession & { created: boolean }> {
    const { id } = record;
    await orUnavailable(expireFormer(this, id, record.createdAt));
    await orUnavailable(this.#admit(record));
    const fields = flattenHash(encodeRecord(record));
    const written = await orUnavailable(this.redis.sessionCreate(...sessionKeys(this.keys, id), record.ttl, ...fields));
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
   * cause. `renewsTtl`: whether the change counts as activity. `ended` is the epoch that the change ends, `order` the order that
   * it places, `actions` what it adds to the log of actions, `branch` what it undoes there, and `by` Redis's time after which it may no
   * longer be written.
   */
  async replace(
    before: SessionRecord,
    after: SessionRecord,
    cause: StateCause,
    {
      renewsTtl = true,
      ended,
      order,
      by,
      actions,
      branch,
    }: {
      renewsTtl?: boolean;
      ended?: EndedEpoch | undefined;
      order?: PlacedOrder | undefined;
      by?: WallMs | undefined;
      actions?: AddedActions | undefined;
      branch?: LeftBranch | undefined;
    } = {},
  ): Promise<ReplaceOutcome> {
    const { id } = after;
    const fields = encodeRecord(after);
    const head = stateHead("S", after.rev, after.epoch, after.anchorSeq, cause);
    // The trace of the command, if there is one, reaches the nodes that deliver its effect.
    const trace = traceparent();
    const message = `${head}${JSON.stringify(trace === undefined ? fields : { ...fields, trace })}`;
    const outcome = await orUnavailable(
      this.redis.sessionReplace(
        ...sessionKeys(this.keys, id),
        before.rev,
        renewsTtl ? after.ttl : 0,
        message,
        ended === undefined ? "" : JSON.stringify(ended),
        order === undefined ? "" : encodeOrder(order, after),
        limits.epochs,
        by ?? 0,
        actions?.lines.join("\n") ?? "",
        actions?.length ?? 0,
        branch === undefined ? "" : JSON.stringify(branch),
        limits.branches,
        ...flattenHash(changedFields(before, after)),
      ),
    );
    if (outcome === 0) return "conflict";
    if (outcome === -1) return "gone";
    if (outcome === -2) return "too late";
    return { rev: after.rev, message };
  }

  /**
   * Records activity that changes nothing else: the session lives for a whole TTL from now. A gateway reports with it how many
   * sockets it has on the session (0 when the last one has closed), and repeats that every 2 minutes or quarter of the TTL,
   * whichever is sooner. A report counts for 5 minutes, or half the TTL, while the gateway is alive. False: the session is gone.
   */
  async touch(id: string, node = "", sockets = 0): Promise<boolean> {
    const reply = await orUnavailable(this.redis.sessionTouch(...sessionKeys(this.keys, id), node, sockets));
    if (reply === null) return false;
    const [createdAt, lastActivity, ttl, mode, state, createdBy, userId] = reply;
    const expiry = expiresAt({ lastActivity: Number(lastActivity), ttl: Number(ttl) });
    const entry = { id, mode, state, createdAt: Number(createdAt), expiresAt: expiry, createdBy, userId };
    await orUnavailable(this.index.write(entry));
    return true;
  }

  /**
   * Records frames that a gateway has shown in place of a silent ticker, if the session still has that revision. Does not count as a
   * sign of life of the ticker.
   */
  async writeProgress(
    shown: readonly { readonly id: string; readonly rev: number; readonly seq: Seq }[],
  ): Promise<void> {
    // In a Redis Cluster all keys of a call must be in one slot.
    const perCall = this.redis.isCluster ? 1 : progressPerCall;
    const calls: Promise<unknown>[] = [];
    for (let at = 0; at < shown.length; at += perCall) {
      const part = shown.slice(at, at + perCall);
      const keys = part.map(({ id }) => this.keys.session(id));
      calls.push(this.redis.sessionProgress(keys.length, ...keys, ...part.flatMap(({ rev, seq }) => [rev, seq])));
    }
    await orUnavailable(Promise.all(calls));
  }

  /** Updates the index to the session as it is. */
  async reindex(record: SessionRecord): Promise<void> {
    await orUnavailable(this.index.write(entryOf(record)));
  }

  /** Sockets on a session, by gateway. */
  async viewers(id: string): Promise<Map<string, number>> {
    return (await this.#read(id)).viewers;
  }

  /** The last epochs that have ended, newest first, at most `limits.epochs`. */
  async epochs(id: string): Promise<EndedEpoch[]> {
    const texts = await orUnavailable(this.redis.lrange(this.keys.epochs(id), 0, limits.epochs - 1));
    return texts.map(decodeEpoch);
  }

  /** What the session's simulated markets have seen of it, with outcomes, oldest first: orders, and what its actions took. From place `from` on. */
  async orders(id: string, from = 0): Promise<StoredOrder[]> {
    const texts = await orUnavailable(this.redis.lrange(this.keys.orders(id), from, -1));
    return texts.map(decodeOrder);
  }

  /** Lines of the session's log of actions, from number `from` to `to`, both from 1 and inclusive. */
  async actions(id: string, from: number, to: number): Promise<LoggedAction[]> {
    const lines = await orUnavailable(this.redis.lrange(this.keys.actions(id), from - 1, to - 1));
    return lines.map((line, at) => decodeAction(from + at, line));
  }

  /** How many lines the log of actions has. */
  async actionCount(id: string): Promise<number> {
    return await orUnavailable(this.redis.llen(this.keys.actions(id)));
  }

  /** What rewinds have undone, newest first, at most `limits.branches`. */
  async branches(id: string): Promise<LeftBranch[]> {
    const texts = await orUnavailable(this.redis.lrange(this.keys.branches(id), 0, limits.branches - 1));
    return texts.map(decodeBranch);
  }

  /** Deletes a session and notifies its subscribers; undefined if there was none. */
  async delete(id: string): Promise<SessionRecord | undefined> {
    const { now } = await this.lookUp(id);
    const fields = await orUnavailable(this.redis.sessionDelete(...sessionKeys(this.keys, id), JSON.stringify({ id })));
    if (fields.length === 0) return undefined;
    const record = decodeRecord(unflattenHash(fields));
    await orUnavailable(this.redis.del(this.keys.shares(id), this.keys.venueKeys(id)));
    await orUnavailable(this.index.remove(id, record.createdAt, record));
    await orUnavailable(this.index.removeExpiry(id));
    await orUnavailable(this.totals.deleted(now - record.createdAt, now));
    // More than one jump per millisecond takes epochs ahead of the clock: the id's next session must begin above them.
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

  /** Cleans up after a session that has expired; see `expireSession`. */
  async expire(entry: IndexedSession, now: WallMs): Promise<boolean> {
    return await expireSession(this, entry, now);
  }

  /** Writes the index entry first and counts it with the others, so that concurrent callers cannot exceed a cap together. */
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
        ? `The cluster has reached its limit of ${sessions} sessions`
        : own > (sessionsPerAddress ?? Infinity)
          ? `This address has reached its limit of ${sessionsPerAddress} sessions`
          : ofUser > (sessionsPerUser ?? Infinity)
            ? `This user has reached the limit of ${sessionsPerUser} sessions`
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

function msOf([seconds, micros]: readonly [string, string]): WallMs {
  return Number(seconds) * 1000 + Number(micros) / 1000;
}

function entryOf(record: SessionRecord) {
  const { id, mode, state, createdAt, createdBy, userId } = record;
  return { id, mode, state, createdAt, expiresAt: expiresAt(record), createdBy, userId };
}
