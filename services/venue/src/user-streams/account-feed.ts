import { setImmediate as others } from "node:timers/promises";
import type { TapeNs } from "@tapedeck/protocol";
import { throttledLog } from "@tapedeck/runtime";
import type { SessionRecord } from "@tapedeck/sessions";
import type { TapePosition } from "@tapedeck/tape";
import { hasActions, type Told, type TradingMessage } from "@tapedeck/trading";
import { LRUCache } from "lru-cache";
import type { OwnAccount } from "../account/own-account.js";
import type { Venue } from "../context.js";
import { futuresBalancesOf } from "../futures/futures-account-routes.js";
import type { Market } from "../http/target.js";
import type { MarketListener } from "../player/market-events.js";
import type { PlayedEpoch } from "../player/played-epoch.js";
import { balances } from "../spot/spot-account.js";
import { UserEvents } from "./user-events.js";

const retryMs = 1_000;
/** Wall time. */
const togetherMs = 2;
/** Messages that are remembered, since they may be said again. */
const keptNames = 10_000;

/** Takes the account's events. */
export type TakeEvent = (event: object) => void;

/**
 * One session's account on this node, told to all its user streams: whatever its trading says, when the playhead reaches the time at which the owner
 * learns of it. It is made of the tape and the session's actions, so nobody sends it, and every node tells the same. Between two times at which there may
 * be something it does nothing, and of a session without orders nothing at all.
 */
export class AccountFeed implements MarketListener {
  readonly ofAccount = true;
  /** When there may be something to tell, in ns since the tape's start. */
  dueNs = Number.POSITIVE_INFINITY;
  readonly #account: OwnAccount;
  readonly #venue: Venue;
  readonly #takers = new Set<TakeEvent>();
  readonly #problems: ReturnType<typeof throttledLog>;
  readonly #events: UserEvents;
  readonly #began: TapePosition;
  /** Up to where everything was told. */
  #place: TapePosition;
  #chain: SessionRecord["chain"];
  readonly #told = new LRUCache<string, true>({ max: keptNames });
  #telling: Promise<void> | undefined;
  #tellsAgain = false;

  private constructor(account: OwnAccount, venue: Venue, events: UserEvents, place: TapePosition) {
    this.#account = account;
    this.#venue = venue;
    this.#events = events;
    this.#place = this.#began = place;
    this.#chain = account.record.chain;
    this.#problems = throttledLog(venue.log);
  }

  /** Begins at the playhead. Rejects as reading the session's trading does. */
  static async begin(account: OwnAccount, venue: Venue): Promise<AccountFeed> {
    const { market, symbols, timeOf, record } = account;
    const playhead = await account.playhead.place();
    const { place } = await venue.trading.told(record, playhead, playhead);
    const standing = await account.standing(place);
    const feed = new AccountFeed(account, venue, new UserEvents({ market, symbols, timeOf }, standing), place);
    // Messages of this very place are in `standing` already.
    for (const message of (await venue.trading.told(record, place, place)).messages) feed.#isFresh(message);
    return feed;
  }

  get takers(): number {
    return this.#takers.size;
  }

  /** @returns what ends it */
  join(take: TakeEvent): () => void {
    if (this.#takers.size === 0) this.#account.epoch.listeners.add(this);
    this.#takers.add(take);
    this.changed();
    return () => {
      this.#takers.delete(take);
      if (this.#takers.size === 0) this.#account.epoch.listeners.delete(this);
    };
  }

  /** Not called again before there is another `dueNs`. */
  flush(): void {
    this.dueNs = Number.POSITIVE_INFINITY;
    this.#tell();
  }

  changed(): void {
    if (hasActions(this.#account.record)) this.#tell();
  }

  /** One look at a time, and another one if something has changed meanwhile. */
  #tell(): void {
    this.#tellsAgain = true;
    this.#telling ??= this.#tellAll().finally(() => {
      this.#telling = undefined;
    });
  }

  async #tellAll(): Promise<void> {
    while (this.#tellsAgain && this.#takers.size > 0) {
      this.#tellsAgain = false;
      try {
        await this.#advance();
      } catch (error) {
        const { session } = this.#account;
        this.#problems.warn({ err: error, session }, "a session's trading cannot be read: its user streams wait");
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
        this.#tellsAgain = true;
      }
    }
  }

  async #advance(): Promise<void> {
    let place = await this.#account.playhead.knownPlace();
    // What this node has received by now was sent before the playhead was there, or has come late: it is read first.
    await others();
    let { record } = this.#account;
    let said = await this.#saidUntil(place, record);
    if (said.messages.length > 0) {
      // An action before that place may still be on its way here, and what is told cannot be taken back.
      await this.#account.playhead.catchUp();
      if (this.#account.isOver) return;
      if (this.#account.record !== record) {
        place = await this.#account.playhead.place();
        record = this.#account.record;
        said = await this.#saidUntil(place, record);
      }
    }
    this.#place = said.place;
    this.#chain = record.chain;
    const fresh = said.messages.filter((message) => this.#isFresh(message));
    if (fresh.length > 0) await this.#send(fresh, place);
    this.#schedule(said.nextNs);
  }

  async #saidUntil(place: TapePosition, record: SessionRecord): Promise<Told> {
    return this.#venue.trading.told(record, await this.#from(record), place);
  }

  /**
   * The place from which on something may have been said that was not told. An action is sent a moment ahead, but a message of it can take longer: then it
   * is about what has been told already.
   */
  async #from(record: SessionRecord): Promise<TapePosition> {
    const known = this.#chain?.head;
    if (record.chain === null || record.chain.head === known) return this.#place;
    const sent = await this.#venue.trading.sentAfter(record, known);
    const ns = Math.max(this.#began.ns, sent ?? 0);
    if (ns >= this.#place.ns) return this.#place;
    return { seq: Math.min(this.#place.seq, await this.#account.epoch.tape.seqAt(ns)), ns };
  }

  #isFresh(message: TradingMessage): boolean {
    const name = nameOf(message);
    if (this.#told.has(name)) return false;
    this.#told.set(name, true);
    return true;
  }

  async #send(messages: readonly TradingMessage[], place: TapePosition): Promise<void> {
    const eventMs = this.#account.time;
    const events = this.#events.of(messages, eventMs);
    const hasFill = messages.some(({ type }) => type === "trade_event");
    if (this.#account.market === "spot" || hasFill) {
      const of = this.#account.market === "spot" ? balances : futuresBalancesOf;
      events.push(this.#events.accountAfter(await of(this.#account, place), eventMs));
    }
    for (const event of events) for (const take of this.#takers) take(event);
  }

  /** Things that follow within moments are told together. */
  #schedule(nextNs: TapeNs | undefined): void {
    const { epoch } = this.#account;
    this.dueNs =
      nextNs === undefined
        ? Number.POSITIVE_INFINITY
        : Math.max(nextNs, epoch.playheadNs + togetherMs * 1e6 * epoch.record.speed);
    epoch.wake();
  }
}

/** No two messages of an account have the same. */
function nameOf({ type, data }: TradingMessage): string {
  if (type === "trade_event") return `fill ${data.fill_id}`;
  const { order_id, status, filled, price, amount, updated_at, triggered, list } = data;
  return `${order_id} ${status} ${filled} ${price} ${amount} ${updated_at} ${triggered} ${list?.waits}`;
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
