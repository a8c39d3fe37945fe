import { interval, type Logger } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import type { Redis } from "ioredis";

/** What another ticker said of itself in its last heartbeat. */
export interface TickerLoad {
  readonly node: string;
  readonly leases: number;
  /** Redis time of the heartbeat. */
  readonly seenMs: number;
}

/** Above its share by this much a ticker hands leases back at once; below, it waits for slices to end. */
const tolerance = { factor: 1.1, sessions: 2 } as const;

export interface Share {
  /** The mean of all live tickers, rounded up. */
  readonly mean: number;
  /** Leases to hand back now. */
  readonly surplus: number;
}

/** This ticker's share of the leases of all live tickers. */
export function shareOf(own: number, others: readonly number[]): Share {
  const total = others.reduce((sum, leases) => sum + leases, own);
  const exact = total / (others.length + 1);
  const mean = Math.ceil(exact);
  return { mean, surplus: own > exact * tolerance.factor + tolerance.sessions ? own - mean : 0 };
}

export interface BalanceOptions {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly node: string;
  readonly leases: {
    readonly size: number;
    limit(target: number): void;
    recall(count: number): void;
    turnSlices(now: number, surplus: number): void;
  };
  readonly now: () => number;
  readonly everyMs: number;
  readonly log: Logger;
}

/** Nodes beat every 5 s: one that has missed a beat may be dead, and takes nothing. */
const aliveMs = 7000;
/** Time in which another ticker takes what was handed back; then this one takes what nobody wanted. */
const offerMs = 250;

/**
 * Workers that take what they can get share 500 jobs 480 to 20, so balance has to be made: a ticker far above the mean
 * hands its surplus back and takes nothing for a moment; at the end of a slice a lease also goes back if its ticker is above
 * the mean at all. Returns the function that stops it.
 */
export function startBalance(options: BalanceOptions): () => void {
  const { redis, keys, node, leases, now, everyMs, log } = options;
  let correctedAt = Number.NEGATIVE_INFINITY;
  let offer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    const others = (await readTickers(redis, keys)).filter(
      (ticker) => ticker.node !== node && now() - ticker.seenMs < aliveMs,
    );
    const own = leases.size;
    const { mean, surplus } = shareOf(
      own,
      others.map((ticker) => ticker.leases),
    );
    leases.turnSlices(performance.now(), others.length > 0 ? Math.max(0, own - mean) : 0);
    // What was handed back shows in the others' numbers with their next heartbeats: before that it would be done twice.
    if (surplus === 0 || others.some((ticker) => ticker.seenMs <= correctedAt)) return;
    correctedAt = now();
    log.info({ leases: own, mean, handedBack: surplus }, "more sessions than this ticker's share");
    leases.limit(mean);
    leases.recall(surplus);
    clearTimeout(offer);
    offer = setTimeout(() => leases.limit(Number.POSITIVE_INFINITY), offerMs);
  };
  const stopLooking = interval(() => void look().catch(() => {}), everyMs); // the connection logs its errors
  return () => {
    stopLooking();
    clearTimeout(offer);
  };
}

async function readTickers(redis: Redis, keys: Keys): Promise<TickerLoad[]> {
  const nodes = await redis.zrange(keys.nodes, "-inf", "+inf", "BYSCORE");
  // One key per node, each in a slot of its own.
  const hashes = await Promise.all(
    nodes.map(async (node) => {
      const [role, leases, seenMs] = await redis.hmget(keys.node(node), "role", "leases", "seen_ms");
      return { node, role, leases: Number(leases ?? 0), seenMs: Number(seenMs ?? 0) };
    }),
  );
  return hashes.filter(({ role }) => role === "ticker");
}
