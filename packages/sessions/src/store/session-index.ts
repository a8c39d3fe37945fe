import { mode, playbackState, type WallMs } from "@tapedeck/protocol";
import { corkWrites, type RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "../redis/keys.js";

/** What the index stores of a session. Its sets live in other slots than the session, so it follows the hash with a lag. */
interface IndexEntry {
  readonly id: string;
  readonly mode: string;
  readonly state: string;
  readonly createdAt: WallMs;
  readonly expiresAt: WallMs;
  readonly createdBy: string;
  readonly userId: string;
}

/** The address and user that a session counts for. */
type Owners = Pick<IndexEntry, "createdBy" | "userId">;

/** One member of an index set: a session that was created at, or expires at, `score`. */
export interface IndexedSession {
  readonly id: string;
  readonly score: WallMs;
}

/** How long a caller that claimed an expired entry has to clean up before another may claim it. */
const cleaningMs = 30_000;
const noOwners: Owners = { createdBy: "", userId: "" };

/**
 * Sorted sets over all sessions, for listing, counting and cleaning up; the hash decides what a session is. Written before the
 * hash, rewritten at each activity, removed after the hash. Each set has its own cluster slot, hence one call each.
 */
export class SessionIndex {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;

  constructor(redis: RedisConnection, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  /** Adds a session to its sets, and removes it from those of other modes and states. */
  async write({ id, mode: itsMode, state, createdAt, expiresAt, ...owners }: IndexEntry): Promise<void> {
    const put = (key: string, score: number, there: boolean): Promise<number | string> =>
      there ? this.#redis.zadd(key, score, id) : this.#redis.zrem(key, id);
    const written = corkWrites(this.#redis, () => [
      put(this.#keys.created, createdAt, true),
      put(this.#keys.expiry, expiresAt, true),
      ...mode.options.map((each) => put(this.#keys.mode(each), createdAt, each === itsMode)),
      ...playbackState.options.map((each) => put(this.#keys.state(each), createdAt, each === state)),
      ...this.#setsOfOwners(owners).map((key) => this.#writeOwned(key, id, expiresAt)),
    ]);
    await Promise.all(written);
  }

  /** Removes the entries of the session that was created at `createdAt`, and none of a later session with its id. */
  async remove(id: string, createdAt: WallMs, owners: Owners = noOwners): Promise<void> {
    await Promise.all([
      ...this.#setsByCreation().map((key) => this.#redis.indexTake(key, id, createdAt, "")),
      ...this.#setsOfOwners(owners).map((key) => this.#redis.zrem(key, id)),
    ]);
  }

  /** Claims the clean-up after an expired session; false if another caller has claimed it or the id is in use again. */
  async claimExpired(entry: IndexedSession, now: WallMs): Promise<boolean> {
    return (await this.#redis.indexTake(this.#keys.expiry, entry.id, entry.score, now + cleaningMs)) === 1;
  }

  /** Removes the entry after a clean-up that `claimExpired` began. */
  async removeClaimed(id: string, takenAt: WallMs): Promise<void> {
    await this.#redis.indexTake(this.#keys.expiry, id, takenAt + cleaningMs, "");
  }

  async removeExpiry(id: string): Promise<void> {
    await this.#redis.zrem(this.#keys.expiry, id);
  }

  async expired(now: WallMs, limit: number): Promise<IndexedSession[]> {
    const found = await this.#redis.zrangebyscore(this.#keys.expiry, 0, now, "WITHSCORES", "LIMIT", 0, limit);
    return scoredOf(found);
  }

  async expiryOf(id: string): Promise<WallMs | undefined> {
    const score = await this.#redis.zscore(this.#keys.expiry, id);
    return score === null ? undefined : Number(score);
  }

  async createdAtOf(id: string): Promise<WallMs | undefined> {
    const score = await this.#redis.zscore(this.#keys.created, id);
    return score === null ? undefined : Number(score);
  }

  async repairExpiry(id: string, expiresAt: WallMs): Promise<void> {
    await this.#redis.zadd(this.#keys.expiry, "XX", expiresAt, id);
  }

  /** Sessions that have not expired, cleaned up or not. */
  async countLiving(now: WallMs): Promise<number> {
    return await this.#redis.zcount(this.#keys.expiry, now, "+inf");
  }

  /** Sessions that one address created. */
  countCreatedBy(address: string, now: WallMs): Promise<number> {
    return this.#countOwned(this.#keys.createdBy(address), now);
  }

  /** Sessions of one user. */
  countOwnedBy(user: string, now: WallMs): Promise<number> {
    return this.#countOwned(this.#keys.ownedBy(user), now);
  }

  async #countOwned(key: string, now: WallMs): Promise<number> {
    await this.#redis.zremrangebyscore(key, 0, now);
    return await this.#redis.zcard(key);
  }

  /** Newest first, after `cursor`; of one state, one mode, both, or all. Fewer than `limit` entries are the last page. */
  async page(
    filter: { state?: string; mode?: string },
    cursor: IndexedSession | undefined,
    limit: number,
  ): Promise<IndexedSession[]> {
    const [key, other] = await this.#setsOf(filter);
    const from = cursor?.score ?? "+inf";
    const chunkSize = other === undefined ? limit : Math.max(limit, 500);
    const found: IndexedSession[] = [];
    // Sessions created in the same microsecond as the cursor's may come again: they are skipped.
    for (let offset = 0; found.length < limit; offset += chunkSize) {
      const chunk = scoredOf(
        await this.#redis.zrevrangebyscore(key, from, 0, "WITHSCORES", "LIMIT", offset, chunkSize),
      );
      const fresh = chunk.filter((entry) => !cursor || entry.score < cursor.score || entry.id < cursor.id);
      found.push(...(other === undefined ? fresh : await this.#alsoIn(other, fresh)));
      if (chunk.length < chunkSize) break;
    }
    return found.slice(0, limit);
  }

  /** The set to scan for a filter, and the one to look its members up in: the smaller set is scanned. */
  async #setsOf({ state, mode }: { state?: string; mode?: string }): Promise<[string, string?]> {
    if (state === undefined) return [mode === undefined ? this.#keys.created : this.#keys.mode(mode)];
    if (mode === undefined) return [this.#keys.state(state)];
    const [inState, inMode] = [this.#keys.state(state), this.#keys.mode(mode)];
    const [states, modes] = await Promise.all([this.#redis.zcard(inState), this.#redis.zcard(inMode)]);
    return states < modes ? [inState, inMode] : [inMode, inState];
  }

  /** The entries that are in another set too. The two sets may lie in two slots, so Redis cannot intersect them. */
  async #alsoIn(key: string, entries: readonly IndexedSession[]): Promise<IndexedSession[]> {
    if (entries.length === 0) return [];
    const scores = await this.#redis.zmscore(key, ...entries.map(({ id }) => id));
    return entries.filter((_, nth) => scores[nth] !== null);
  }

  async counts(): Promise<{ total: number; modes: Map<string, number>; states: Map<string, number> }> {
    const [total = 0, ...rest] = await Promise.all(this.#setsByCreation().map((key) => this.#redis.zcard(key)));
    return {
      total,
      modes: new Map(mode.options.map((each, at) => [each, rest[at] ?? 0])),
      states: new Map(playbackState.options.map((each, at) => [each, rest[mode.options.length + at] ?? 0])),
    };
  }

  #setsByCreation(): string[] {
    return [
      this.#keys.created,
      ...mode.options.map((each) => this.#keys.mode(each)),
      ...playbackState.options.map((each) => this.#keys.state(each)),
    ];
  }

  #setsOfOwners({ createdBy, userId }: Owners): string[] {
    const { createdBy: ofAddress, ownedBy: ofUser } = this.#keys;
    return [createdBy === "" ? [] : ofAddress(createdBy), userId === "" ? [] : ofUser(userId)].flat();
  }

  /** Entries of expired sessions are removed when their owner creates the next one, or with the whole key. */
  async #writeOwned(key: string, id: string, expiresAt: WallMs): Promise<void> {
    await Promise.all([this.#redis.zadd(key, expiresAt, id), this.#redis.pexpireat(key, Math.ceil(expiresAt))]);
  }
}

function scoredOf(found: readonly string[]): IndexedSession[] {
  const entries: IndexedSession[] = [];
  for (let at = 0; at + 1 < found.length; at += 2) entries.push({ id: found[at] ?? "", score: Number(found[at + 1]) });
  return entries;
}
