import { RefusedError, refuse } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import type { Keys } from "@tapedeck/sessions";
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { RateLimit } from "./config.js";
import type { Principal } from "./principal.js";

/** Identifies a client for limits: the user, or the address if users are not known. */
export function clientKey({ userId }: Pick<Principal, "userId">, address: string): string {
  return userId === "" ? `address ${address}` : `user ${userId}`;
}

/** The limited actions, each with its own count. */
export type LimitedAction = "commands" | "creations" | "connections" | "reads";

/** How often each may happen. Absent means unlimited. */
export type RateLimits = { readonly [what in LimitedAction]?: RateLimit | undefined };

const words: Readonly<Record<LimitedAction, string>> = {
  commands: "commands",
  creations: "new sessions",
  connections: "connections",
  reads: "requests",
};

/**
 * Limits how often one user, or one address if users are not known, may do something in the whole cluster. While Redis is unavailable
 * each node counts for itself, so that an outage does not lift the limits.
 */
export class RateLimiter {
  readonly #limiters: Readonly<Partial<Record<LimitedAction, RateLimiterRedis>>>;
  readonly #limits: RateLimits;
  /** Refusals by this node since it started. */
  readonly refused: Record<LimitedAction, number> = { commands: 0, creations: 0, connections: 0, reads: 0 };

  constructor(redis: RedisConnection, keys: Pick<Keys, "rate">, limits: RateLimits) {
    const limiter = (what: LimitedAction) => {
      const limit = limits[what];
      if (limit === undefined) return undefined;
      const { points, seconds: duration } = limit;
      return new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: keys.rate(what),
        points,
        duration,
        // A client above its limit causes no further round trips to Redis.
        inMemoryBlockOnConsumed: points + 1,
        insuranceLimiter: new RateLimiterMemory({ points, duration }),
      });
    };
    this.#limits = limits;
    this.#limiters = Object.fromEntries(
      (["commands", "creations", "connections", "reads"] as const).flatMap((what) => {
        const made = limiter(what);
        return made === undefined ? [] : [[what, made]];
      }),
    );
  }

  /** Whether there is a limit for this action. */
  isLimited(what: LimitedAction): boolean {
    return this.#limiters[what] !== undefined;
  }

  /** Counts one action. Rejects with `TOO_MANY_REQUESTS` and the seconds to wait. */
  async count(what: LimitedAction, who: Pick<Principal, "userId">, address: string): Promise<void> {
    const limiter = this.#limiters[what];
    if (limiter === undefined) return;
    try {
      await limiter.consume(clientKey(who, address));
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      this.refused[what]++;
      const { points = 0, seconds = 0 } = this.#limits[what] ?? {};
      const retryAfter = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
      throw new RefusedError(
        refuse("TOO_MANY_REQUESTS", `At most ${points} ${words[what]} in ${seconds} s; try again in ${retryAfter} s.`),
        { retryAfter },
      );
    }
  }
}
