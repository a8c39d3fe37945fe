import { onMessage, onReconnect, type RedisConnection, subscribe, untilResubscribed } from "@tapedeck/runtime";

/** A ticker publishes a beat about every 100 ms; one that has missed two counts as silent. */
const silentMs = 250;
/** A ticker of which this node has never heard, such as one of an earlier release, counts as silent after this long. */
const unknownMs = 1_000;
/** A ticker that no session here has named for so long is forgotten; sessions are looked at more often. */
const forgetMs = 5_000;

interface KnownTicker {
  /** When its last beat came, on the monotonic clock; undefined before the first. */
  heardAt: number | undefined;
  /** When this node first needed to know. */
  readonly knownAt: number;
  /** When this node last needed to know. */
  askedAt: number;
}

/** Which tickers publish, by the beats that they send on the connections of their frames. */
export class TickerLiveness {
  readonly #tickers = new Map<string, KnownTicker>();
  readonly #stops: (() => void)[];

  /** Follows the beats on a channel, now and after each reconnection. */
  constructor(subscriber: RedisConnection, channel: string) {
    const own = Buffer.from(channel);
    const follow = (): void => {
      subscribe(subscriber, channel).catch(() => {}); // the next reconnection repeats it
    };
    follow();
    this.#stops = [
      // HOT: called for every message of the subscriber.
      onMessage(subscriber, (from, message) => {
        if (from.length === own.length && from.equals(own)) this.#heard(message.toString("latin1"));
      }),
      onReconnect(subscriber, () => void untilResubscribed(subscriber, [channel]).catch(follow)),
    ];
  }

  #heard(node: string): void {
    const now = performance.now();
    const known = this.#tickers.get(node);
    if (known !== undefined) known.heardAt = now;
    else this.#tickers.set(node, { heardAt: now, knownAt: now, askedAt: now });
  }

  /** @param now on the monotonic clock */
  isSilent(node: string, now: number): boolean {
    const known = this.#tickers.get(node);
    if (known === undefined) {
      this.#tickers.set(node, { heardAt: undefined, knownAt: now, askedAt: now });
      return false;
    }
    known.askedAt = now;
    return known.heardAt === undefined ? now - known.knownAt > unknownMs : now - known.heardAt > silentMs;
  }

  /** Whether any ticker that sessions here name is silent. */
  hasSilent(now: number): boolean {
    for (const [node, known] of this.#tickers) {
      if (now - (known.heardAt ?? known.knownAt) <= silentMs) continue;
      if (now - known.askedAt < forgetMs) return true;
      this.#tickers.delete(node);
    }
    return false;
  }

  stop(): void {
    for (const stop of this.#stops) stop();
  }
}
