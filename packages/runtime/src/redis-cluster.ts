import { Cluster, type ClusterOptions, Command, type RedisOptions } from "ioredis";
import type { RedisConnection, RedisPurpose } from "./redis.js";
import type { ClusterAddress } from "./redis-address.js";

/** A Cluster's map changes when it grows; when a master dies, failing commands and subscriptions have it read at once. */
const mapEveryMs = 5000;

/** As for one Redis: what was sent is never sent again, and an error comes soon, but where BullMQ and subscriptions wait. */
const once = { retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 } as const satisfies ClusterOptions;

const optionsFor: Record<RedisPurpose, ClusterOptions> = {
  commands: once,
  publisher: { ...once, enableOfflineQueue: false },
  subscriber: { shardedSubscribers: true },
  bullmq: {},
};

export interface ConnectClusterOptions {
  readonly address: ClusterAddress;
  readonly purpose: RedisPurpose;
  /** For the connection to each node, beside those of the address. */
  readonly node: RedisOptions;
  readonly retryDelayMs: (attempt: number) => number;
}

export function connectCluster({ address, purpose, node, retryDelayMs }: ConnectClusterOptions): Cluster {
  const { retryStrategy: _, ...nodeOptions } = node;
  const redisOptions = { ...nodeOptions, ...address.options };
  const common: ClusterOptions = {
    ...optionsFor[purpose],
    slotsRefreshInterval: mapEveryMs,
    redisOptions,
    // Certificates are made out to names: nodes that tell names are connected to by them.
    ...(redisOptions.tls && { dnsLookup: (name, found) => found(null, name) }),
  };
  if (purpose !== "commands") return new Cluster(address.nodes, { ...common, clusterRetryStrategy: retryDelayMs });
  return connectToAnswer(address.nodes, common, retryDelayMs);
}

/**
 * Left to itself, ioredis keeps what is asked while no node can be reached, for as long as that lasts. So each attempt to connect
 * ends, which answers all that has come meanwhile with an error, and another one begins.
 */
function connectToAnswer(
  nodes: ClusterAddress["nodes"],
  options: ClusterOptions,
  retryDelayMs: (attempt: number) => number,
): Cluster {
  let attempt = 0;
  const cluster = new Cluster(nodes, {
    ...options,
    clusterRetryStrategy: (attempts) => {
      attempt = attempts;
      return null;
    },
  });
  cluster.on("end", () => {
    if (attempt === 0) return; // it was told to end
    const again = (): void => {
      // Its own trouble is an event; and whoever has let go of it meanwhile wants no connection.
      if (cluster.status === "end") cluster.connect().catch(() => {});
    };
    setTimeout(again, retryDelayMs(attempt)).unref();
    attempt = 0;
  });
  return cluster;
}

/** For each master that has slots, reachable or not, one of the names `nth(0)`, `nth(1)`, ... that lies in a slot of it. */
export function oneOnEachMaster(cluster: Cluster, nth: (n: number) => string): string[] {
  const missing = new Set(cluster.slots.flatMap(([owner]) => owner ?? []));
  const names: string[] = [];
  // Slots are shared out about evenly, so this takes a few times as many tries as there are masters.
  for (let n = 0, tries = missing.size * 64; missing.size > 0 && n < tries; n++) {
    const owner = masterOf(cluster, nth(n));
    if (owner !== undefined && missing.delete(owner)) names.push(nth(n));
  }
  return names;
}

/** The master that has a key's slot, as far as this connection knows; undefined where it does not, and on one Redis. */
export function masterOf(redis: RedisConnection, key: string): string | undefined {
  if (!(redis instanceof Cluster)) return undefined;
  const slot = new Command("get", [key]).getSlot();
  return slot === null ? undefined : redis.slots[slot]?.[0];
}
