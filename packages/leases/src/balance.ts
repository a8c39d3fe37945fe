import { setTimeout as sleep } from "node:timers/promises";
import { interval, type Logger, missedHeartbeatMs, type RedisConnection } from "@tapedeck/runtime";

/** What a worker reported in its last heartbeat. */
export interface WorkerLoad {
  readonly node: string;
  readonly leases: number;
  /** Redis time of the heartbeat. */
  readonly seenMs: number;
}

/** This far above its share a worker hands leases back at once; below, it waits for slices to end. */
const tolerance = { factor: 1.1, leases: 2 } as const;

interface Share {
  /** The mean of all live workers, rounded up. */
  readonly mean: number;
  /** Leases to hand back now. */
  readonly surplus: number;
}

/** This worker's share of the leases of all workers that are alive. */
export function fairShare(own: number, others: readonly number[]): Share {
  const total = others.reduce((sum, leases) => sum + leases, own);
  const exact = total / (others.length + 1);
  const mean = Math.ceil(exact);
  return { mean, surplus: own > exact * tolerance.factor + tolerance.leases ? own - mean : 0 };
}

/** The keys of heartbeats. */
export interface NodeKeys {
  readonly nodes: string;
  node(node: string): string;
}

export interface BalanceOptions {
  readonly redis: RedisConnection;
  readonly keys: NodeKeys;
  readonly node: string;
  /** The role, in heartbeats, of the workers that share the leases. */
  readonly role: string;
  readonly leases: {
    readonly size: number;
    limit(target: number): void;
    /** Settles when they are handed back, or cannot be. */
    handBack(count: number): Promise<unknown>;
    endSlices(now: number, surplus: number): void;
  };
  readonly now: () => number;
  readonly everyMs: number;
  readonly log: Logger;
}

/** Other workers have this time to take what was handed back; then this one takes what is left. */
const offerMs = 250;

/**
 * Without balancing, two workers share 500 jobs 480 to 20. So a worker far above the mean hands its surplus back and takes
 * nothing for a moment; at the end of a slice a lease is also handed back if its worker is above the mean at all. Returns the
 * function that stops it.
 */
export function startBalance(options: BalanceOptions): () => void {
  const { redis, keys, node, role, leases, now, everyMs, log } = options;
  let correctedAt = Number.NEGATIVE_INFINITY;
  let correcting = false;
  const steady = new SteadyLeases(now(), leases.size);
  const stopped = new AbortController();

  const balance = async (): Promise<void> => {
    const others = (await liveWorkers(redis, keys, role, now())).filter((worker) => worker.node !== node);
    const own = steady.since(Math.min(...others.map((worker) => worker.seenMs)), now(), leases.size);
    const { mean, surplus } = fairShare(
      own,
      others.map((worker) => worker.leases),
    );
    leases.endSlices(performance.now(), others.length > 0 ? Math.max(0, own - mean) : 0);
    // Leases that were handed back show in the others' next heartbeats; before those they would be handed back twice.
    if (surplus === 0 || correcting || others.some((worker) => worker.seenMs <= correctedAt)) return;
    log.info({ leases: own, mean, handedBack: surplus }, "above its share of leases: handing some back");
    correcting = true;
    leases.limit(mean);
    try {
      await leases.handBack(surplus);
      await sleep(offerMs, undefined, { signal: stopped.signal });
    } finally {
      if (!stopped.signal.aborted) leases.limit(Number.POSITIVE_INFINITY);
      correctedAt = now();
      correcting = false;
    }
  };
  const stopBalancing = interval(() => void balance().catch(() => {}), everyMs); // the connection logs its errors
  return () => {
    stopBalancing();
    stopped.abort();
  };
}

/**
 * How many leases this worker has held all the time since a moment. Heartbeats say what others held then; leases that came here
 * since may have come from them, and are no surplus.
 */
class SteadyLeases {
  readonly #seen: { at: number; leases: number }[];

  constructor(at: number, leases: number) {
    this.#seen = [{ at, leases }];
  }

  /** The minimum since `from`: of the number then, those seen since, and the current one. */
  since(from: number, at: number, leases: number): number {
    this.#seen.push({ at, leases });
    while ((this.#seen[1]?.at ?? Number.POSITIVE_INFINITY) <= Math.min(from, at)) this.#seen.shift();
    return Math.min(...this.#seen.map((one) => one.leases));
  }
}

/** The workers of a role with a recent heartbeat, this one among them. A node that shuts down deletes its heartbeat first. */
export async function liveWorkers(
  redis: RedisConnection,
  keys: NodeKeys,
  role: string,
  now: number,
): Promise<WorkerLoad[]> {
  const nodes = await redis.zrange(keys.nodes, "-inf", "+inf", "BYSCORE");
  // One key per node, each in a slot of its own.
  const hashes = await Promise.all(
    nodes.map(async (node) => {
      const [itsRole, leases, seenMs] = await redis.hmget(keys.node(node), "role", "leases", "seen_ms");
      return { node, role: itsRole, leases: Number(leases ?? 0), seenMs: Number(seenMs ?? 0) };
    }),
  );
  return hashes.filter((worker) => worker.role === role && now - worker.seenMs < missedHeartbeatMs);
}
