import { setImmediate as others } from "node:timers/promises";
import type { Logger } from "@tapedeck/runtime";
import { isMoving, playheadAt, type SessionRecord, wallAt } from "@tapedeck/sessions";
import {
  lastSharedFrame,
  pinnedTrackOf,
  type Seq,
  type Tape,
  type TapeCatalog,
  type TrackedEvent,
  type TrackedTrade,
} from "@tapedeck/tape";
import { beginningOf, type EpochBeginning, playedUpToNs } from "./epoch-beginning.js";
import { EventReader } from "./event-reader.js";
import { type ListedSymbol, listedSymbol } from "./listed-symbol.js";
import type { VenueTrade } from "./market-events.js";
import { MarketListeners } from "./market-listeners.js";
import { VenueBook } from "./venue-book.js";
import type { VenueClock } from "./venue-clock.js";
import { Waker } from "./waker.js";

export interface EpochContext {
  readonly tapes: Pick<TapeCatalog, "open" | "kindOf">;
  /** The cluster's clock. */
  readonly now: () => number;
  readonly log: Logger;
  /** The decimals of a growing tape have changed, so that all numbers have to be read again. */
  readonly onRescaled: (epoch: PlayedEpoch) => void;
}

/** After so many events in a row others get their turn. */
const eventsInARow = 512;
/** A market that nobody hears, and for which nobody has asked for so long, is not played. */
const restAfterMs = 5_000;
/** How long before the playhead a market is played again that has rested: so the last trade is known. */
const leapBeforeNs = 1e9;
const retryMs = 1_000;
/** Timers cannot be longer; then it looks again. */
const longestWaitMs = 60_000;

/**
 * A session's market from one discontinuity to the next, as this node plays it for all its bots: reads the tape's events from the playhead on, and tells
 * each when the playhead has reached it. Nobody has to send anything: where the playhead is follows from the session's record and the cluster's clock.
 */
export class PlayedEpoch {
  readonly clock: VenueClock;
  readonly symbol: ListedSymbol;
  readonly listeners = new MarketListeners();
  readonly #context: EpochContext;
  #tape: Tape;
  #book: VenueBook;
  #reader: EventReader;
  /** The tape that the market goes on with, whose events are others from frame `from` on. */
  #next: { readonly tape: Tape; readonly from: Seq } | undefined;
  readonly #waker = new Waker();
  #record: SessionRecord;
  /** The last event that was told, and the latest time of an event so far, in ns since the tape's start. */
  #n: number;
  #latestNs = Number.NEGATIVE_INFINITY;
  #toldSeq: Seq = -1;
  #lastTrade: VenueTrade | undefined;
  #isHeld = false;
  /** When somebody last asked for the market, on the monotonic clock. */
  #askedAt = Number.NEGATIVE_INFINITY;
  /** Nobody hears the market: it is not played before somebody asks. */
  #rests = false;
  #awakening: Promise<void> | undefined;
  #stopped = false;

  private constructor({ record, tape, clock, book, decimals, ns }: EpochBeginning, context: EpochContext) {
    this.#record = record;
    this.#tape = tape;
    this.clock = clock;
    this.#book = book;
    this.symbol = listedSymbol(tape, decimals);
    this.#n = book.n;
    this.#context = context;
    this.#reader = new EventReader(tape, book.n + 1, ns);
  }

  /** Reads the book at the session's playhead. Rejects with `NO_TAPE`, `TRACK_NOT_FOUND`, and as opening and reading a tape does. */
  static async open(record: SessionRecord, context: EpochContext): Promise<PlayedEpoch> {
    const epoch = new PlayedEpoch(await beginningOf(record, context), context);
    await epoch.#reachPlayhead();
    void epoch.#run();
    return epoch;
  }

  /** The book at the last event that was told. */
  get book(): VenueBook {
    return this.#book;
  }

  /** Everything up to the playhead is in the book, and it is played on while somebody hears it, and for a while. Rejects as reading the tape does. */
  async awaken(): Promise<void> {
    this.#askedAt = performance.now();
    if (!this.#rests) return;
    this.#awakening ??= this.#catchUp().finally(() => {
      this.#awakening = undefined;
    });
    await this.#awakening;
  }

  get record(): SessionRecord {
    return this.#record;
  }

  get tape(): Tape {
    return this.#next?.tape ?? this.#tape;
  }

  /** The number of the last event that was told. */
  get n(): number {
    return this.#n;
  }

  /** The id of the last update of the book. */
  get lastUpdateId(): number {
    return this.clock.idOf(this.book.n);
  }

  get lastTrade(): VenueTrade | undefined {
    return this.#lastTrade;
  }

  /** The time of the event that is told, or was last, in ns since the tape's start. It never goes back. */
  get toldNs(): number {
    return this.#latestNs;
  }

  /** Where the playhead is, in ns since the tape's start. */
  get playheadNs(): number {
    return playheadAt(this.#record, this.#context.now(), this.tape);
  }

  /** Where the playhead is, as bots see it: ms since 1970. */
  get time(): number {
    return this.clock.timeOf(this.tape.startNs + BigInt(Math.floor(this.playheadNs)));
  }

  /** The session has changed within its epoch. */
  update(record: SessionRecord): void {
    this.#record = record;
    this.#changed();
  }

  #changed(): void {
    this.listeners.changed();
    this.#waker.wake();
  }

  /** Tells nothing until it is known with which tape the session goes on. */
  hold(): void {
    this.#isHeld = true;
  }

  /**
   * The session goes on with another tape within its epoch: its market sees an order. What was told is on both.
   *
   * @returns false if that is not so: then the market begins anew
   */
  goOnWith(tape: Tape): boolean {
    const shared = lastSharedFrame(this.#tape, tape);
    if (shared === undefined || this.#toldSeq > shared) return false;
    this.#next = tape.id === this.#tape.id ? undefined : { tape, from: shared + 1 };
    this.#isHeld = false;
    this.#waker.wake();
    return true;
  }

  /** A listener may be due earlier than what is waited for. */
  wake(): void {
    this.#waker.wake();
  }

  /** The tape may have grown. */
  grown(): void {
    if (!this.tape.span.growing && this.#reader.exhausted) return;
    this.#reader.again();
    this.#changed();
  }

  /** Tells what is due by now. A session that has ended a round of its loop has shown all of it. */
  flush(): void {
    if (this.#rests) this.listeners.flushUpTo(this.playheadNs);
    else while (!this.#stopped && this.#tellDue());
  }

  stop(): void {
    this.#stopped = true;
    this.#reader.close();
    this.#waker.wake();
  }

  /** The events up to the playhead, which nobody has to hear. */
  async #reachPlayhead(): Promise<void> {
    while (!this.#stopped) {
      if (this.#reader.peek() === undefined && !this.#reader.exhausted) await this.#reader.fill();
      else if (!this.#tellDue()) return;
    }
  }

  async #catchUp(): Promise<void> {
    if (this.playheadNs - this.#latestNs > playedUpToNs) await this.#leap();
    await this.#reachPlayhead();
    this.#rests = false;
    this.#waker.wake();
  }

  /** Goes on from a book shortly before the playhead, without the events until there. */
  async #leap(): Promise<void> {
    const next = this.#next;
    const parts = next !== undefined && (await next.tape.seqAt(this.playheadNs - leapBeforeNs)) >= next.from;
    const tape = parts ? next.tape : this.#tape;
    const ns = tape.startNs + BigInt(Math.floor(this.playheadNs - leapBeforeNs));
    const found = await (await pinnedTrackOf(tape)).bookAt({ ts: ns });
    if (found.n <= this.#n || this.#next !== next) return;
    if (parts) this.#next = undefined;
    this.#tape = tape;
    this.#reader.close();
    this.#reader = new EventReader(tape, found.n + 1, ns);
    this.#book = new VenueBook(found, this.#book.decimals);
    this.#n = found.n;
  }

  #mayRest(): boolean {
    if (this.tape.span.growing || this.#isHeld || this.listeners.hearMarket) return false;
    return performance.now() - this.#askedAt > restAfterMs;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (this.#rests) {
          this.listeners.flushUpTo(this.playheadNs);
          if (this.listeners.hearMarket) await this.awaken();
          else await this.#waker.within(this.#msToNext());
          continue;
        }
        if (this.#reader.peek() === undefined && !this.#reader.exhausted) {
          await this.#reader.fill();
          if (this.#stopped) return;
          this.#checkDecimals();
        }
        if (this.#tellDue()) await others();
        else if (this.#mayRest()) this.#rests = true;
        else if (this.#reader.peek() !== undefined || this.#reader.exhausted)
          await this.#waker.within(this.#msToNext());
      } catch (error) {
        this.#context.log.warn(
          { err: error, tape: this.tape.id },
          "the event track cannot be read: bots get nothing; trying again",
        );
        await this.#waker.within(retryMs);
      }
    }
  }

  /** Where the tapes part, the next one is read instead. No earlier: it has to be made for that, and more orders may come until then. */
  #part(): void {
    if (this.#next === undefined) return;
    this.#reader.close();
    this.#tape = this.#next.tape;
    this.#next = undefined;
    const ns = this.#tape.startNs + BigInt(Math.floor(Math.max(0, this.#latestNs)));
    this.#reader = new EventReader(this.#tape, this.#n + 1, ns);
  }

  // HOT: once per event.
  /** Tells a number of events that are due. @returns whether more may be due */
  #tellDue(): boolean {
    if (this.#isHeld) return false;
    const playheadNs = this.playheadNs;
    for (let told = 0; told < eventsInARow; told++) {
      const event = this.#reader.peek();
      if (event !== undefined && this.#next !== undefined && event.seq >= this.#next.from) {
        this.#part();
        return false;
      }
      if (event === undefined) {
        // Only when it is known that no event is missing may what waits for one be told.
        if (this.#reader.exhausted) this.listeners.flushUpTo(playheadNs);
        if (this.#reader.exhausted) this.listeners.endIfStill(this.#record);
        return false;
      }
      const ns = this.#nsOf(event);
      if (!this.#isDue(event, ns, playheadNs)) {
        this.listeners.flushUpTo(playheadNs);
        this.listeners.endIfStill(this.#record);
        return false;
      }
      this.listeners.flushUpTo(ns - 1);
      this.#latestNs = ns;
      this.#n = event.n;
      this.#toldSeq = event.seq;
      this.#reader.advance();
      this.#tell(event);
    }
    return true;
  }

  /** When the playhead has to be for an event to be told, in ns since the tape's start: times may go back from event to event, the clock does not. */
  #nsOf({ timestampNs }: TrackedEvent): number {
    return Math.max(this.#latestNs, Number(timestampNs - this.tape.startNs));
  }

  #isDue({ seq }: TrackedEvent, ns: number, playheadNs: number): boolean {
    if (this.#record.edge && isMoving(this.#record)) return seq <= this.tape.span.lastSeq;
    return ns <= playheadNs;
  }

  #tell(event: TrackedEvent): void {
    const eventTime = this.clock.timeOf(this.tape.startNs + BigInt(Math.floor(this.#latestNs)));
    const time = this.clock.timeOf(event.timestampNs);
    if (event.kind === "book") {
      const previousId = this.lastUpdateId;
      const changes = this.book.apply(event);
      const update = { ...changes, previousId, id: this.clock.idOf(event.n), eventTime, time };
      this.listeners.depth(update);
    } else {
      const trade = this.#tradeOf(event, eventTime, time);
      this.#lastTrade = trade;
      this.listeners.trade(trade);
    }
  }

  #tradeOf(event: TrackedTrade, eventTime: number, time: number): VenueTrade {
    const { n, price, amount, priceUnits, amountUnits, side } = event;
    const mid = this.book.book.mid ?? priceUnits;
    const buyerIsMaker = side === "unknown" ? priceUnits < mid : side === "sell";
    const id = this.clock.idOf(n);
    return { id, eventTime, time, price, quantity: amount, priceUnits, quantityUnits: amountUnits, buyerIsMaker };
  }

  #msToNext(): number {
    if (!isMoving(this.#record) || this.#record.edge || this.#isHeld) return longestWaitMs;
    const event = this.#rests ? undefined : this.#reader.peek();
    const ns = Math.min(event === undefined ? Number.POSITIVE_INFINITY : this.#nsOf(event), this.listeners.dueNs);
    if (ns > Math.min(this.#record.toNs ?? Number.POSITIVE_INFINITY, this.tape.span.lastNs)) return longestWaitMs;
    const wall = wallAt(this.#record, ns, this.tape.timeline(this.#record.gaps));
    return Math.min(longestWaitMs, Math.max(0, wall - this.#context.now()));
  }

  #checkDecimals(): void {
    const { price, size } = this.#reader.decimals ?? this.book.decimals;
    if (price === this.book.decimals.price && size === this.book.decimals.size) return;
    this.stop();
    this.#context.onRescaled(this);
  }
}
