import type { RateLimit } from "@tapedeck/access";

/** Up to `points` at once, and as many in `seconds` in the long run. */
export class TokenBucket {
  readonly #capacity: number;
  readonly #perMs: number;
  #tokens: number;
  #atMs: number;

  constructor({ points, seconds }: RateLimit, nowMs: number) {
    this.#capacity = points;
    this.#perMs = points / (seconds * 1000);
    this.#tokens = points;
    this.#atMs = nowMs;
  }

  /** Takes one token. @returns whether there was one */
  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#capacity, this.#tokens + (nowMs - this.#atMs) * this.#perMs);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

interface MessageLimits {
  readonly socket: RateLimit;
  /** For all sockets on this node of one user, or of one address if users are not known. */
  readonly user: RateLimit;
}

/** Limits the messages of one socket. */
export interface MessageRateLimit {
  /** Counts one message. @returns the limit that is exceeded, if any */
  take(): RateLimit | undefined;
  /** The socket is gone. */
  close(): void;
}

/**
 * Limits how many messages of any kind clients may send to this node, since reading and refusing a message costs CPU, too. The
 * limits are token buckets in memory: with counters in Redis, a flood here would flood Redis.
 */
export class MessageRateLimits {
  readonly #limits: MessageLimits;
  readonly #users = new Map<string, { readonly bucket: TokenBucket; sockets: number }>();

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** @param user whose sockets share a bucket. It is kept until it is full again, so that reconnecting does not refill it */
  open(user: string): MessageRateLimit {
    const { socket, user: ofUser } = this.#limits;
    const own = new TokenBucket(socket, performance.now());
    const shared = this.#users.get(user) ?? { bucket: new TokenBucket(ofUser, performance.now()), sockets: 0 };
    this.#users.set(user, shared);
    shared.sockets++;
    return {
      take: () => {
        const now = performance.now();
        if (!own.take(now)) return socket;
        return shared.bucket.take(now) ? undefined : ofUser;
      },
      close: () => {
        shared.sockets--;
        const forget = () => {
          if (shared.sockets === 0 && this.#users.get(user) === shared) this.#users.delete(user);
        };
        if (shared.sockets === 0) setTimeout(forget, ofUser.seconds * 1000).unref();
      },
    };
  }
}
