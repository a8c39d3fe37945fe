import { Cluster, Command, type Redis } from "ioredis";

/**
 * A single Redis, perhaps behind Sentinel, or a Redis Cluster. Commands are the same for both if all their keys are in one slot; this
 * file has what differs, with `pubsub.ts` and `scripts.ts`.
 */
export type RedisConnection = Redis | Cluster;

/**
 * What a connection is for. Each purpose has its own connection, because their needs conflict when Redis is away:
 * - `commands`: settle within seconds, if need be with an error; never sent twice.
 * - `publisher`: a late frame is worthless, so nothing is queued; fails at once.
 * - `subscriber`: waits as long as necessary, and resubscribes to all its channels.
 * - `bullmq`: waits for Redis, as BullMQ requires; half a minute at most.
 */
export type RedisPurpose = "commands" | "publisher" | "subscriber" | "bullmq";

/** Redis's time in ms since 1970, with fractions. On a Cluster all nodes ask the same master, so that they share one clock. */
export async function redisTime(redis: RedisConnection): Promise<number> {
  const [seconds, micros] = await (redis instanceof Cluster ? timeMaster(redis) : redis).time();
  return Number(seconds) * 1000 + Number(micros) / 1000;
}

/** The master of the first slot; any node while that one is away. */
function timeMaster(cluster: Cluster): Redis | Cluster {
  const first = cluster.slots[0]?.[0];
  return cluster.nodes("master").find(({ options }) => `${options.host}:${options.port}` === first) ?? cluster;
}

/** The master that has a key's slot, as far as this connection knows; undefined if it does not know, and on a single Redis. */
export function masterOf(redis: RedisConnection, key: string): string | undefined {
  if (!(redis instanceof Cluster)) return undefined;
  const slot = new Command("get", [key]).getSlot();
  return slot === null ? undefined : redis.slots[slot]?.[0];
}

/** For each master that has slots, reachable or not, one of the names `nth(0)`, `nth(1)`, ... that is in one of its slots. */
export function oneNamePerMaster(cluster: Cluster, nth: (n: number) => string): string[] {
  const missing = new Set(cluster.slots.flatMap(([owner]) => owner ?? []));
  const names: string[] = [];
  // Slots are distributed about evenly, so this takes a few times as many tries as there are masters.
  for (let n = 0, tries = missing.size * 64; missing.size > 0 && n < tries; n++) {
    const owner = masterOf(cluster, nth(n));
    if (owner !== undefined && missing.delete(owner)) names.push(nth(n));
  }
  return names;
}

/** Undefined before the first connection. */
type Stream = Redis["stream"] | undefined;

/**
 * Writes all commands that `send` issues at once, on a Cluster one write per master, and returns what `send` returns. An ioredis pipeline
 * does this too, but creates a hidden class for each pipeline, which keeps its commands in memory until the next full garbage
 * collection: on a hot path, collecting them takes a third of the CPU time. A pipeline is also limited to one master.
 */
export function corkWrites<T>(redis: RedisConnection, send: () => T): T {
  if (redis instanceof Cluster) return corkWritesToMasters(redis, send);
  // Without a connection there is no stream; commands are then queued or fail, as their connection's options say.
  const stream: Stream = redis.stream;
  stream?.cork();
  try {
    return send();
  } finally {
    stream?.uncork();
  }
}

function corkWritesToMasters<T>(cluster: Cluster, send: () => T): T {
  const streams: Stream[] = cluster.nodes("master").map(({ stream }) => stream);
  for (const stream of streams) stream?.cork();
  try {
    return send();
  } finally {
    for (const stream of streams) stream?.uncork();
  }
}
