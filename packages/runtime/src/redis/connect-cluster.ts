import { Cluster, type ClusterOptions, type Command, type Redis, type RedisOptions } from "ioredis";
import type { Logger } from "../observability/logger.js";
import type { ClusterAddress } from "./address.js";
import { watchMasters } from "./cluster-watch.js";
import type { RedisPurpose } from "./connection.js";
import { shortenDeniedError } from "./faults.js";
import { endPendingSubscribers } from "./sharded-subscribers.js";
import { repairSlotMap } from "./slot-map.js";
import { addCommandTimeout, RedisUnavailable, reconnectWhenUnresponsive } from "./timeouts.js";

/** How often each connection refreshes its slot map; `watchMasters` does when masters are replaced. */
const slotMapEveryMs = 5000;
/** How long a node may take to send the slot map; ioredis's default of a second is too short on a busy machine. */
const slotMapTimeoutMs = 2000;

/** As with a single Redis, a command is never sent again and fails soon, except on BullMQ's connections, which wait. */
const neverResend = { retryDelayOnFailover: 0, retryDelayOnClusterDown: 0 } as const satisfies ClusterOptions;

const optionsFor: Record<RedisPurpose, ClusterOptions> = {
  commands: neverResend,
  publisher: { ...neverResend, enableOfflineQueue: false },
  subscriber: { shardedSubscribers: true },
  bullmq: {},
};

interface ConnectClusterOptions {
  readonly address: ClusterAddress;
  readonly purpose: RedisPurpose;
  /** For the connection to each node, besides those of the address. */
  readonly node: RedisOptions;
  readonly retryDelayMs: (attempt: number) => number;
  /** A command fails after this time; undefined if commands never wait. */
  readonly commandMs: number | undefined;
  /** The connection to a node is replaced if the node has received a command and sends nothing for this long. */
  readonly silenceMs: number;
  readonly log: Logger;
}

export function connectCluster(options: ConnectClusterOptions): Cluster {
  const { address, purpose, node, retryDelayMs, commandMs: ms, silenceMs, log } = options;
  const { retryStrategy: _, ...nodeOptions } = node;
  const redisOptions = { ...nodeOptions, ...address.options };
  const cluster: Cluster = new Cluster(address.nodes, {
    ...optionsFor[purpose],
    slotsRefreshInterval: slotMapEveryMs,
    slotsRefreshTimeout: slotMapTimeoutMs,
    redisOptions,
    clusterRetryStrategy: (attempt, reason) => {
      if (reason !== undefined) cluster.emit("error", reason); // the nodes' names cannot be resolved
      return retryDelayMs(attempt);
    },
    // Certificates are issued for names: connect by name if the nodes announce names.
    ...(redisOptions.tls && { dnsLookup: (name, found) => found(null, name) }),
  });
  const watchKey = JSON.stringify(address);
  prepare(cluster, silenceMs);
  watchMasters(cluster, watchKey, log);
  if (purpose === "commands" && ms !== undefined) failCommandsWhileAway(cluster, ms);
  else if (ms !== undefined) addCommandTimeout(cluster, { ms });
  // BullMQ duplicates its connection for each worker.
  const duplicate = cluster.duplicate.bind(cluster);
  cluster.duplicate = (nodes, override) => {
    const copy = duplicate(nodes, override);
    prepare(copy, silenceMs);
    watchMasters(copy, watchKey, log);
    if (ms !== undefined) addCommandTimeout(copy, { ms });
    return copy;
  };
  return cluster;
}

function prepare(cluster: Cluster, silenceMs: number): void {
  repairSlotMap(cluster);
  endPendingSubscribers(cluster);
  cluster.on("+node", (redis: Redis) => {
    shortenDeniedError(redis);
    reconnectWhenUnresponsive(redis, silenceMs);
  });
}

/** Fails commands while no node can be reached, as a single Redis does: when the current connection attempt fails, or at once. */
function failCommandsWhileAway(cluster: Cluster, ms: number): void {
  const reason = "No node of the Redis Cluster can be used at the moment.";
  const waiting = new Set<Command>();
  let away = false;
  addCommandTimeout(cluster, {
    ms,
    refusal: (command) => {
      if (away) return reason;
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
    for (const command of waiting) if (!command.isSettled) command.reject(new RedisUnavailable(reason));
    waiting.clear();
  });
}
