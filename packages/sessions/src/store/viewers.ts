import type { WallMs } from "@tapedeck/protocol";
import { aliveSince, type RedisConnection } from "@tapedeck/runtime";
import type { SessionHash } from "./record-codec.js";

/**
 * Sockets by gateway, of gateways that are alive: each field holds `{sockets} {deadline}`. The entry of a killed gateway stops
 * counting when its heartbeat is missing; the deadline is for a live gateway that no longer reports the session.
 */
export function decodeViewers(
  hash: SessionHash,
  now: WallMs,
  heartbeats: ReadonlyMap<string, WallMs>,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [node, value] of Object.entries(hash)) {
    const [sockets = 0, deadline = 0] = value.split(" ").map(Number);
    if (deadline > now && (heartbeats.get(node) ?? 0) > aliveSince(now)) counts.set(node, sockets);
  }
  return counts;
}

export function sumOfViewers(viewers: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const sockets of viewers.values()) sum += sockets;
  return sum;
}

/** Heartbeats are read at most once in this time, in ms: many sessions are read meanwhile. */
const maxAgeMs = 1_000;

/** The last heartbeat of each node in the cluster, cached for a second. */
export class NodeHeartbeats {
  readonly #redis: RedisConnection;
  readonly #key: string;
  #cached: { readonly heartbeats: Promise<ReadonlyMap<string, WallMs>>; readonly goodUntil: number } | undefined;

  /** @param key sorted set of nodes by their last heartbeat */
  constructor(redis: RedisConnection, key: string) {
    this.#redis = redis;
    this.#key = key;
  }

  /** Rejects while Redis is away. */
  byNode(): Promise<ReadonlyMap<string, WallMs>> {
    const now = performance.now();
    if (this.#cached !== undefined && now < this.#cached.goodUntil) return this.#cached.heartbeats;
    const heartbeats = this.#read();
    this.#cached = { heartbeats, goodUntil: now + maxAgeMs };
    heartbeats.catch(() => {
      this.#cached = undefined;
    });
    return heartbeats;
  }

  async #read(): Promise<ReadonlyMap<string, WallMs>> {
    const found = await this.#redis.zrangebyscore(this.#key, "-inf", "+inf", "WITHSCORES");
    const heartbeats = new Map<string, WallMs>();
    for (let at = 0; at + 1 < found.length; at += 2) heartbeats.set(found[at] ?? "", Number(found[at + 1]));
    return heartbeats;
  }
}
