import type { WallMs } from "@tapedeck/protocol";
import { aliveSince, type RedisConnection } from "@tapedeck/runtime";

/** How old what is known of the nodes may be, in ms: many sessions are read in that time. */
const freshMs = 1_000;

/** The nodes' list of the cluster, read at most once a second. */
export class NodeHeartbeats {
  readonly #redis: RedisConnection;
  readonly #key: string;
  #read: { readonly byNode: Promise<ReadonlyMap<string, WallMs>>; readonly goodUntil: number } | undefined;

  /** @param key sorted set of nodes by their last heartbeat */
  constructor(redis: RedisConnection, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  /** When each node was heard last. Rejects while Redis is away. */
  beats(): Promise<ReadonlyMap<string, WallMs>> {
    const now = performance.now();
    if (this.#read !== undefined && now < this.#read.goodUntil) return this.#read.byNode;
    const beats = this.#readBeats();
    this.#read = { byNode: beats, goodUntil: now + freshMs };
    beats.catch(() => {
      this.#read = undefined;
    });
    return beats;
  }

  async #readBeats(): Promise<ReadonlyMap<string, WallMs>> {
    const found = await this.#redis.zrangebyscore(this.#key, "-inf", "+inf", "WITHSCORES");
    const beats = new Map<string, WallMs>();
    for (let at = 0; at + 1 < found.length; at += 2) beats.set(found[at] ?? "", Number(found[at + 1]));
    return beats;
  }
}

/** Whether a node was heard so lately that it counts as there. */
export function isNodeAlive(beatAt: WallMs | undefined, now: WallMs): boolean {
  return beatAt !== undefined && beatAt > aliveSince(now);
}
