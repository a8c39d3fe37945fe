import type { HeardMessage, VenueTrade } from "../venues/venue.js";

export interface ReceivedTrade {
  readonly trade: VenueTrade;
  readonly heard: HeardMessage;
}

/** A feed that takes over claims the tape within seconds. */
const maxTrades = 5_000;

/** What a feed has received before it claims a tape that another feed still records. */
export class UnclaimedEvents {
  #fromNs: bigint | undefined;
  #trades: ReceivedTrade[] = [];

  /** The book is complete, and everything after this venue time follows. */
  begin(ns: bigint): void {
    this.#fromNs = ns;
    this.#trades = [];
  }

  /** The venue time since which nothing is missing; undefined until the book is complete. */
  get fromNs(): bigint | undefined {
    return this.#fromNs;
  }

  add(received: ReceivedTrade): void {
    this.#trades.push(received);
    if (this.#trades.length <= maxTrades) return;
    this.#fromNs = this.#trades[0]?.trade.ns;
    this.#trades.shift();
  }

  /** The trades after this venue time; undefined if some may be missing, since the book was complete only later. */
  after(ns: bigint): ReceivedTrade[] | undefined {
    if (this.#fromNs === undefined || this.#fromNs > ns) return undefined;
    return this.#trades.filter(({ trade }) => trade.ns > ns);
  }
}
