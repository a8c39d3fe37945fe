import { Cluster, type ClusterOptions, Command, type Redis, type RedisOptions } from "ioredis";
import type { ClusterAddress } from "./address.js";
import type { RedisConnection, RedisPurpose } from "./connect.js";
import { shortenDeniedError } from "./denied-handshake.js";
import { reconnectWhenUnresponsive } from "./silence.js";
import { repairSlotMap } from "./slot-map.js";
import { addCommandTimeout, RedisUnavailable } from "./timeouts.js";

/** A Cluster's map changes when it grows; when a master dies, subscriptions have it read at once. */
const mapEveryMs = 5000;
/** So long a node may take to tell the map; ioredis's second is too short for a process that shares its machine with many. */
const mapMs = 2000;

/** As for one Redis: what was sent is never sent again, and an error comes soon, but where BullMQ waits. */
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
  /** After so long a command has failed; without it there is nothing that waits. */
  readonly answerMs: number | undefined;
  /** A node that has taken a command and sends nothing for so long is connected to anew. */
  readonly silenceMs: number;
}

export function connectCluster(options: ConnectClusterOptions): Cluster {
  const { address, purpose, node, retryDelayMs, answerMs, silenceMs } = options;
  const { retryStrategy: _, ...nodeOptions } = node;
  const redisOptions = { ...nodeOptions, ...address.options };
  const cluster: Cluster = new Cluster(address.nodes, {
    ...optionsFor[purpose],
    slotsRefreshInterval: mapEveryMs,
    slotsRefreshTimeout: mapMs,
    redisOptions,
    clusterRetryStrategy: (attempt, reason) => {
      if (reason !== undefined) cluster.emit("error", reason); // the names of the nodes lead nowhere
      return retryDelayMs(attempt);
    },
    // Certificates are made out to names: nodes that tell names are connected to by them.
    ...(redisOptions.tls && { dnsLookup: (name, found) => found(null, name) }),
  });
  const prepare = (made: Cluster): void => {
    repairSlotMap(made);
    made.on("+node", (redis: Redis) => {
      shortenDeniedError(redis);
      reconnectWhenUnresponsive(redis, silenceMs);
    });
  };
  prepare(cluster);
  if (purpose === "commands" && answerMs !== undefined) answerWhileAway(cluster, answerMs);
  else if (answerMs !== undefined) addCommandTimeout(cluster, { ms: answerMs });
  // BullMQ makes a connection like this one for each worker.
  const duplicate = cluster.duplicate.bind(cluster);
  cluster.duplicate = (nodes, override) => {
    const copy = duplicate(nodes, override);
    prepare(copy);
    if (answerMs !== undefined) addCommandTimeout(copy, { ms: answerMs });
    return copy;
  };
  return cluster;
}

/** Answers commands that come while no node can be reached, as one Redis does: when the attempt under way has failed, or at once. */
function answerWhileAway(cluster: Cluster, ms: number): void {
  const why = "No node of the Redis Cluster can be used at the moment.";
  const waiting = new Set<Command>();
  let away = false;
  addCommandTimeout(cluster, {
    ms,
    refusal: (command) => {
      if (away) return why;
      if (cluster.status !== "ready") waiting.add(command);
      return undefined;
    },
  });
  cluster.on("ready", () => {
    away = false;
    waiting.clear();
  });
  cluster.on("close", () => {
    away = true;
    for (const command of waiting) if (!command.isSettled) command.reject(new RedisUnavailable(why));
    waiting.clear();
  });
}

/** For each master that has slots, reachable or not, one of the names `nth(0)`, `nth(1)`, ... that lies in a slot of it. */
export function oneNamePerMaster(cluster: Cluster, nth: (n: number) => string): string[] {
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
