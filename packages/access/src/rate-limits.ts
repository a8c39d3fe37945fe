import { RefusedError, refuse } from "@tapedeck/protocol";
import type { RedisConnection } from "@tapedeck/runtime";
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { Limit } from "./config.js";
import type { Principal } from "./principal.js";

/** Whose count something goes to: the user's, or the address's where users are not known. */
export function countedFor({ userId }: Pick<Principal, "userId">, address: string): string {
  return userId === "" ? `address ${address}` : `user ${userId}`;
}

/** What is bounded; each has a count of its own. */
export type Bounded = "commands" | "creations" | "connections" | "reads";

/** How often each may happen; absent: as often as one likes. */
export type Rates = { readonly [what in Bounded]?: Limit | undefined };

const words: Readonly<Record<Bounded, string>> = {
  commands: "commands",
  creations: "new sessions",
  connections: "connections",
  reads: "requests",
};

/**
 * How often one user, or one address where users are not known, may do something in the whole cluster. While Redis is away each
 * node counts by itself, so that its absence opens nothing.
 */
export class RateLimits {
  readonly #limiters: Readonly<Partial<Record<Bounded, RateLimiterRedis>>>;
  readonly #limits: Rates;
  /** What this node refused, since it began. */
  readonly refused: Record<Bounded, number> = { commands: 0, creations: 0, connections: 0, reads: 0 };

  constructor(redis: RedisConnection, prefix: string, limits: Rates) {
    const limiter = (what: Bounded) => {
      const limit = limits[what];
      if (limit === undefined) return undefined;
      const { points, seconds: duration } = limit;
      return new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `${prefix}:rate:${what}`,
        points,
        duration,
        // Who is far over the limit is not worth a round trip for each further try.
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

  /** Whether there is a limit at all. */
  bounds(what: Bounded): boolean {
    return this.#limiters[what] !== undefined;
  }

  /** Counts one. Rejects with `TOO_MANY_REQUESTS` and the seconds to wait. */
  async count(what: Bounded, who: Pick<Principal, "userId">, address: string): Promise<void> {
    const limiter = this.#limiters[what];
    if (limiter === undefined) return;
    try {
      await limiter.consume(countedFor(who, address));
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
