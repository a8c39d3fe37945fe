import { throttledLog } from "@tapedeck/runtime";
import type { SessionRecord } from "@tapedeck/sessions";
import type { Seq } from "@tapedeck/tape";
import type { TradingMessage } from "@tapedeck/trading";
import { LRUCache } from "lru-cache";
import type { OwnAccount } from "../account/own-account.js";
import type { Venue } from "../context.js";
import { futuresBalancesOf } from "../futures/futures-account-routes.js";
import type { Market } from "../http/target.js";
import type { MarketListener } from "../player/market-events.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import { balances } from "../spot/spot-routes.js";
import { UserEvents } from "./user-events.js";

const retryMs = 1_000;
/** Messages that are remembered, since they may be said again. */
const keptNames = 10_000;

/** Takes the account's events. */
export type TakeEvent = (event: object) => void;

/**
 * One session's account on this node, told to all its user streams: with each frame that the playhead reaches, what its trading says of it. It is
 * made of the tape and the session's actions, so nobody sends it, and every node tells the same.
 */
export class AccountFeed implements MarketListener {
  /** The time of the next frame, in ns since the tape's start. */
  dueNs = Number.POSITIVE_INFINITY;
  readonly #account: OwnAccount;
  readonly #venue: Venue;
  readonly #takers = new Set<TakeEvent>();
  readonly #problems: ReturnType<typeof throttledLog>;
  #events: UserEvents;
  #seq: Seq;
  readonly #began: Seq;
  #chain: SessionRecord["chain"];
  readonly #told = new LRUCache<string, true>({ max: keptNames });

  private constructor(account: OwnAccount, venue: Venue, events: UserEvents, seq: Seq) {
    this.#account = account;
    this.#venue = venue;
    this.#events = events;
    this.#seq = this.#began = seq;
    this.#chain = account.record.chain;
    this.#problems = throttledLog(venue.log);
  }

  /** Begins at the playhead. Rejects as reading the session's trading does. */
  static async begin(account: OwnAccount, venue: Venue): Promise<AccountFeed> {
    const { market, symbols, timeOf } = account;
    const standing = await account.standing();
    const feed = new AccountFeed(account, venue, new UserEvents({ market, symbols, timeOf }, standing), standing.seq);
    await feed.#schedule();
    return feed;
  }

  get takers(): number {
    return this.#takers.size;
  }

  /** @returns what ends it */
  join(take: TakeEvent): () => void {
    if (this.#takers.size === 0) this.#account.epoch.listeners.add(this);
    this.#takers.add(take);
    this.#account.epoch.wake();
    return () => {
      this.#takers.delete(take);
      if (this.#takers.size === 0) this.#account.epoch.listeners.delete(this);
    };
  }

  /** Not called again before there is another `dueNs`. */
  flush(): void {
    this.dueNs = Number.POSITIVE_INFINITY;
    void this.#goOn();
  }

  async #goOn(): Promise<void> {
    for (;;) {
      try {
        await this.#advance();
        await this.#schedule();
        return;
      } catch (error) {
        const { session } = this.#account;
        this.#problems.warn({ err: error, session }, "a session's trading cannot be read: its user streams wait");
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
        if (this.#takers.size === 0) return;
      }
    }
  }

  async #advance(): Promise<void> {
    const seq = await this.#account.shownSeq();
    if (seq <= this.#seq) return;
    // After the frame is known: what is known of the session by now was known when it was shown, or later.
    const { record } = this.#account;
    const from = await this.#from(record.chain);
    const messages = await this.#venue.trading.between(record, from, seq);
    this.#seq = seq;
    this.#chain = record.chain;
    const fresh = messages.filter((message) => this.#isFresh(message));
    if (fresh.length > 0) await this.#tell(fresh);
  }

  /**
   * The frame after which something may have been said that was not told. An action is sent a moment ahead, but a message of it can take longer:
   * then it is about frames that have been shown.
   */
  async #from(chain: SessionRecord["chain"]): Promise<Seq> {
    const known = this.#chain;
    if (chain === null || chain.head === known?.head) return this.#seq;
    if (known === null || known.ns < 0) return this.#began;
    return Math.min(this.#seq, Math.max(this.#began, (await this.#account.epoch.tape.seqAt(known.ns)) - 1));
  }

  #isFresh(message: TradingMessage): boolean {
    const name = nameOf(message);
    if (this.#told.has(name)) return false;
    this.#told.set(name, true);
    return true;
  }

  async #tell(messages: readonly TradingMessage[]): Promise<void> {
    const eventMs = this.#account.time;
    for (const event of this.#events.of(messages, eventMs)) this.#send(event);
    const hasFill = messages.some(({ type }) => type === "trade_event");
    if (this.#account.market === "usdm" && !hasFill) return;
    const after = this.#account.market === "spot" ? balances(this.#account) : futuresBalancesOf(this.#account);
    this.#send(this.#events.accountAfter(await after, eventMs));
  }

  #send(event: object): void {
    for (const take of this.#takers) take(event);
  }

  async #schedule(): Promise<void> {
    const { tape } = this.#account.epoch;
    if (this.#seq >= tape.span.lastSeq) {
      // It grows, or it has ended. The player asks again when there is more.
      this.dueNs = tape.span.lastNs + 1;
      return;
    }
    this.dueNs = await tape.nsOf(this.#seq + 1);
    this.#account.epoch.wake();
  }
}

/** No two messages of an account have the same. */
function nameOf({ type, data }: TradingMessage): string {
  if (type === "trade_event") return `fill ${data.fill_id}`;
  return `${data.order_id} ${data.status} ${data.filled} ${data.price} ${data.amount} ${data.updated_at}`;
}

const feeds = new WeakMap<PlayedEpoch, Map<Market, Promise<AccountFeed>>>();

/** The feed of an account's epoch, which all its user streams here share. Rejects as `AccountFeed.begin` does. */
export async function accountFeed(account: OwnAccount, venue: Venue): Promise<AccountFeed> {
  const ofEpoch = feeds.get(account.epoch) ?? new Map<Market, Promise<AccountFeed>>();
  feeds.set(account.epoch, ofEpoch);
  const known = await ofEpoch.get(account.market);
  // One that nobody hears stands still: it begins anew where the market is.
  if (known !== undefined && known.takers > 0) return known;
  const begun = AccountFeed.begin(account, venue);
  ofEpoch.set(account.market, begun);
  begun.catch(() => ofEpoch.delete(account.market));
  return begun;
}
