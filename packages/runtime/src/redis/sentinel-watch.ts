import { Redis, type RedisOptions } from "ioredis";
import type { Logger } from "../observability/logger.js";
import { interval } from "../time/timers.js";
import { reconnectWhenUnresponsive } from "./timeouts.js";

/** What a sentinel publishes when it promotes a replica, and when it, or another sentinel, follows the new master. */
const announcements = ["+promoted-slave", "+switch-master"];
/** A sentinel is pinged this often: without that, a sentinel that is gone looks like one with nothing to say. */
const pingMs = 5000;
const silenceMs = 3000;

interface MasterAddress {
  readonly host: string;
  readonly port: number;
}

/** For the sentinels of one master: how to reach them, and how to wait between attempts. */
interface SentinelWatchOptions {
  readonly sentinels: RedisOptions;
  readonly retryDelayMs: (attempt: number) => number;
  readonly log: Logger;
}

/** The process's watches by the sentinels and the name of the master. */
const watches = new Map<string, SentinelWatch>();

/**
 * Moves a connection to the new master as soon as a sentinel announces it, until the connection ends. Without that a connection to a
 * master that hangs stays there until it has been silent for seconds, and one that waits for its next attempt waits up to a second.
 */
export function followSentinels(redis: Redis, options: SentinelWatchOptions): void {
  const { sentinels, name } = options.sentinels;
  const key = JSON.stringify([sentinels, name]);
  const watch = watches.get(key) ?? new SentinelWatch(options);
  watches.set(key, watch);
  watch.add(redis, () => watches.delete(key));
}

/** One subscription to each sentinel, for all connections of the process to the same master. */
class SentinelWatch {
  readonly #name: string;
  readonly #log: Logger;
  readonly #sentinels: readonly Redis[];
  readonly #connections = new Set<Redis>();
  readonly #stopPings: () => void;

  constructor({ sentinels: options, retryDelayMs, log }: SentinelWatchOptions) {
    this.#name = options.name ?? "";
    this.#log = log;
    this.#sentinels = (options.sentinels ?? []).map((sentinel) =>
      this.#subscribe({
        ...sentinel,
        ...(options.sentinelPassword !== undefined && { password: options.sentinelPassword }),
        ...(options.sentinelTLS && { tls: options.sentinelTLS }),
        retryStrategy: retryDelayMs,
      }),
    );
    this.#stopPings = interval(() => {
      for (const sentinel of this.#sentinels) if (sentinel.status === "ready") sentinel.ping().catch(() => {});
    }, pingMs);
  }

  #subscribe(options: RedisOptions): Redis {
    const sentinel = new Redis({ ...options, enableReadyCheck: false, maxRetriesPerRequest: null });
    sentinel.on("error", () => {}); // the connections to the master log their errors; one sentinel of several may be away
    reconnectWhenUnresponsive(sentinel, silenceMs);
    sentinel.on("message", (channel: string, text: string) => {
      const master = announcedMaster(channel, text, this.#name);
      if (master !== undefined) this.#moveAll(master);
    });
    sentinel.subscribe(...announcements).catch(() => {}); // ioredis subscribes again after each reconnection
    return sentinel;
  }

  /** @param onLast called when the last connection has ended */
  add(redis: Redis, onLast: () => void): void {
    this.#connections.add(redis);
    redis.once("end", () => {
      this.#connections.delete(redis);
      if (this.#connections.size > 0) return;
      this.#stopPings();
      for (const sentinel of this.#sentinels) sentinel.disconnect();
      onLast();
    });
  }

  #moveAll(master: MasterAddress): void {
    const moved = [...this.#connections].filter((redis) => moveTo(redis, master));
    if (moved.length > 0) {
      this.#log.warn({ master, connections: moved.length }, "a sentinel announces another master: connecting to it");
    }
  }
}

/** The address of the new master of this name in a message of a sentinel; undefined if it is about another one. */
export function announcedMaster(channel: string, text: string, name: string): MasterAddress | undefined {
  const words = text.split(" ");
  // +switch-master   NAME OLD-HOST OLD-PORT HOST PORT
  // +promoted-slave  slave REPLICA HOST PORT @ NAME OLD-HOST OLD-PORT
  const [of, host, port] =
    channel === "+switch-master" ? [words[0], words[3], words[4]] : [words[5], words[2], words[3]];
  return of === name && host !== undefined && port !== undefined ? { host, port: Number(port) } : undefined;
}

/** Connects to another master at once. Returns false if the connection is there already. */
function moveTo(redis: Redis, { host, port }: MasterAddress): boolean {
  const connectNow = (): void => void redis.connect().catch(() => {}); // its next attempt follows by itself
  if (redis.status === "reconnecting") {
    connectNow();
    return true;
  }
  const stream: Redis["stream"] | undefined = redis.stream;
  // Sentinels may announce host names: then it is uncertain where the connection is, and it is made again.
  if (stream === undefined || (stream.remoteAddress === host && stream.remotePort === port)) return false;
  redis.once("reconnecting", connectNow);
  stream.destroy(); // not closed, which a master that hangs would never answer
  return true;
}
