import type { TradeSide } from "@tapedeck/protocol";
import type { BookSideName, OrderBook } from "../book/order-book.js";
import type { MarketTrade } from "../frame/frame-analytics.js";
import type { MarketEvent } from "../frame/frame-builder.js";
import { Agenda, type ScheduledAct } from "./agenda.js";
import type { Instrument } from "./instrument.js";
import type { BorderBook } from "./orders/border-book.js";
import { OrderArrivals, orderLots, takeLots } from "./orders/order-arrivals.js";
import type { OrderObserver } from "./orders/order-observer.js";
import {
  type BorderOrder,
  newOrder,
  OrderCopies,
  type RestingOrder,
  RestingSide,
  type TickLots,
} from "./orders/resting-orders.js";
import { TimerWheel } from "./orders/timer-wheel.js";
import type { PriceSegment } from "./price-path.js";
import { PrintedTrades } from "./printed-trades.js";
import type { RandomStream } from "./random/random-stream.js";
import { followEveryMs, ReferencePrice, settlingFromMs } from "./reference-price.js";
import { frameMs, segmentMs, tapeMsOf } from "./segments.js";

/** It changes nothing but the market that it is given, so copies of a segment can share it. */
type Act = (market: MarketSegment) => void;

/** A deliberate action on the market at one millisecond of a segment. */
export type Intervention = ScheduledAct<Act>;

/** What a user's own orders do to a segment. */
export interface OwnEffects {
  readonly interventions: readonly Intervention[];
  /** Ticks that they add to the fair price. */
  readonly shiftAt: (ms: number) => number;
}

interface SegmentSetup {
  readonly segment: number;
  readonly instrument: Instrument;
  readonly path: PriceSegment;
  readonly random: RandomStream;
  readonly from: BorderBook;
  readonly to: BorderBook;
  readonly startNs: bigint;
  /** Of incidents. */
  readonly interventions: readonly Intervention[];
  /** Ticks that incidents add to the fair price. */
  readonly incidentShiftAt: (ms: number) => number;
  readonly own: OwnEffects;
  readonly observer?: OrderObserver | undefined;
}

/** An event of a segment. `bids` and `asks` are what its `change` sets, in units of the last decimal. */
export interface SegmentEvent extends MarketEvent {
  readonly bids?: readonly TickLots[];
  readonly asks?: readonly TickLots[];
}

/** The last levels of a side are neither cancelled nor traded, so that even a crash has a price. */
const fewestLevels = 3;
const nsPerMs = 1e6;

/**
 * One segment of a simulated market: a limit order book under random flow, a millisecond at a time. Orders arrive by `OrderArrivals`
 * and live for exponential times, as in Smith, Farmer, Gillemot and Krishnamurthy, "Statistical theory of the continuous double
 * auction" (2003). Best prices follow the fair price: orders at an outdated price move, and fast traders trade with the slow ones.
 *
 * Beyond the usual size of a file, since one state machine with one random stream is easier to follow in one place.
 */
export class MarketSegment {
  readonly bids: RestingSide;
  readonly asks: RestingSide;
  readonly instrument: Instrument;
  readonly random: RandomStream;
  readonly #setup: SegmentSetup;
  /** Mostly there is none, so nothing is prepared for it. */
  readonly #observer: OrderObserver | undefined;
  readonly #arrivals: OrderArrivals;
  readonly #timers: TimerWheel;
  readonly #agenda: Agenda<Act>;
  readonly #priceScale: number;
  readonly #sizeScale: number;
  /** Distances from the best price at which no new orders are placed for now. */
  readonly #withdrawn: Record<BookSideName, Set<number>> = { bid: new Set(), ask: new Set() };
  /** Orders so far, in the book or not. */
  #orders = 0;
  readonly #trades: PrintedTrades;
  readonly #reference: ReferencePrice;
  #now = 0;
  #nextMessageMs = 0;

  /** @param original the segment that this is a copy of, between two frames */
  constructor(setup: SegmentSetup, original?: MarketSegment) {
    this.#setup = setup;
    this.#observer = setup.observer;
    this.instrument = setup.instrument;
    this.random = setup.random;
    this.#priceScale = Number(`1e${setup.instrument.priceDecimals}`);
    this.#sizeScale = Number(`1e${setup.instrument.sizeDecimals}`);
    const { path, random, incidentShiftAt, own, startNs } = setup;
    const shiftAt = (ms: number) => incidentShiftAt(ms) + own.shiftAt(ms);
    const reference = { path, shiftAt, stickiness: setup.instrument.flow.stickiness, random };
    if (original === undefined) {
      this.bids = new RestingSide("bid");
      this.asks = new RestingSide("ask");
      this.#timers = new TimerWheel(segmentMs);
      this.#arrivals = new OrderArrivals(setup.instrument.flow, setup.path, setup.random);
      this.#agenda = new Agenda(setup.interventions, own.interventions);
      this.#reference = new ReferencePrice(setup.from.reference, setup.to.reference, reference);
      this.#trades = new PrintedTrades({ startNs, priceScale: this.#priceScale, sizeScale: this.#sizeScale });
      for (const { side, distance, lots, lifeMs } of setup.from.orders) {
        this.#rest(side, this.#reference.tickAt(side, distance), lots, lifeMs, distance);
      }
      return;
    }
    const copies = new OrderCopies();
    this.bids = original.bids.copy(copies);
    this.asks = original.asks.copy(copies);
    this.#timers = original.#timers.copy(copies);
    this.#arrivals = original.#arrivals.copy(setup.random);
    this.#agenda = original.#agenda.copy(own.interventions);
    this.#reference = original.#reference.copy(reference);
    this.#trades = original.#trades.copy();
    this.#withdrawn.bid = new Set(original.#withdrawn.bid);
    this.#withdrawn.ask = new Set(original.#withdrawn.ask);
    this.#orders = original.#orders;
    this.#now = original.#now;
    this.#nextMessageMs = original.#nextMessageMs;
  }

  /**
   * Goes on from here as this one does, with other orders of the user: those up to here are the same. Only between two frames, where no event is
   * half made.
   */
  copy(own: OwnEffects, observer?: OrderObserver): MarketSegment {
    return new MarketSegment({ ...this.#setup, random: this.random.copy(), own, observer }, this);
  }

  /** Multipliers of the ordinary flow's rates. */
  get flowMultipliers(): OrderArrivals["multipliers"] {
    return this.#arrivals.multipliers;
  }

  /** Its number. */
  get segment(): number {
    return this.#setup.segment;
  }

  /** Milliseconds since the segment began. */
  get nowMs(): number {
    return this.#now;
  }

  /** The orders of the book that the segment ends with. */
  get closing(): readonly BorderOrder[] {
    return this.#setup.to.orders;
  }

  /** Target tick of the best bid; the best ask is one above. */
  get reference(): number {
    return this.#reference.bid;
  }

  side(name: BookSideName): RestingSide {
    return name === "bid" ? this.bids : this.asks;
  }

  /** Target best price of a side. */
  bestTick(side: BookSideName): number {
    return this.#reference.tickAt(side, 0);
  }

  price(tick: number): number {
    return tick / this.#priceScale;
  }

  /** The whole book now, best prices first. */
  levels(): { readonly bids: readonly TickLots[]; readonly asks: readonly TickLots[] } {
    const levelsOf = (side: RestingSide) => side.ticks().map((tick): TickLots => [tick, side.lotsAt(tick)]);
    return { bids: levelsOf(this.bids), asks: levelsOf(this.asks) };
  }

  /** The whole book at the segment's first millisecond. */
  opening(): SegmentEvent {
    const { bids, asks } = this.levels();
    return { ns: tapeMsOf(this.#setup.segment, 1) * nsPerMs, change: this.#changeOf(bids, asks), bids, asks };
  }

  /** All events that are left of the segment, in order. Each frame's interval ends with an event without trades; there another run can go on. */
  *run(): Generator<SegmentEvent> {
    this.bids.takeChanges();
    this.asks.takeChanges();
    while (this.#now < segmentMs) {
      this.#now++;
      if (this.#now % followEveryMs === 0 && this.#reference.follow(this.#now)) this.#moveOrders();
      if (this.#now === settlingFromMs) this.#beginSettling();
      this.#act();
      for (let due = this.#timers.takeDue(this.#now); due !== undefined; due = this.#timers.takeDue(this.#now))
        this.#onTimer(due);
      if (this.#now >= this.#arrivals.nextMs) this.#flow();
      if (this.#now === segmentMs) this.#settle();
      const trades = this.#trades.take();
      if (trades.length > 0) yield { ns: this.#ns(), trades };
      if (this.#now % frameMs === 0) {
        this.#trades.beginFrame();
        this.#addFrameOrder();
        yield this.message() ?? { ns: this.#ns() };
      } else if (this.#now >= this.#nextMessageMs) {
        const event = this.message();
        if (event !== undefined) yield event;
      }
    }
  }

  /** The book's changes since the last message, if any. */
  message(): SegmentEvent | undefined {
    const bids = this.bids.takeChanges();
    const asks = this.asks.takeChanges();
    if (bids.length === 0 && asks.length === 0) return undefined;
    const [least, most] = this.instrument.flow.messageMs;
    this.#nextMessageMs = this.#now + least + this.random.integerBelow(most - least + 1);
    return { ns: this.#ns(), change: this.#changeOf(bids, asks), bids, asks };
  }

  /** Sends the next message at once. */
  sendMessage(): void {
    this.#nextMessageMs = this.#now;
  }

  /** Makes a minimal visible change, so that a frame is made. */
  forceChange(): SegmentEvent {
    const side = this.bids.best === undefined ? this.asks : this.bids;
    const tick = side.best ?? this.bestTick(side.name);
    this.#rest(side.name, tick, 1, frameMs);
    return this.message() ?? { ns: this.#ns() };
  }

  /** Schedules an action later in the segment. It gets the market that it is for, and knows orders by their numbers: it can be a copy. */
  at(ms: number, act: Act): void {
    this.#agenda.schedule(ms, act);
  }

  /** Places an order deliberately; undefined if it would trade at once. */
  placeOrder(side: BookSideName, tick: number, lots: number, lifeMs: number): RestingOrder | undefined {
    if (this.#crosses(side, tick)) return undefined;
    return this.#rest(side, tick, lots, lifeMs);
  }

  /** Cancels the order of a number, if it is in the book. */
  cancel(number: number): void {
    const order = this.#find(number);
    if (order !== undefined) this.#cancel(order);
  }

  /** Trades all lots of an order with somebody who came for it alone. */
  execute(number: number): void {
    const order = this.#find(number);
    if (order === undefined) return;
    const { side, tick, lots } = order;
    this.#print(side === "bid" ? "sell" : "buy", tick, lots);
    this.side(side).fill(order, lots);
    this.#observer?.executed(order, lots, this.#now, false);
  }

  /** Stops or resumes new orders at these distances behind the best price, wherever it moves. */
  withdraw(side: BookSideName, distances: readonly number[], withdrawn: boolean): void {
    for (const distance of distances) {
      if (withdrawn) this.#withdrawn[side].add(distance);
      else this.#withdrawn[side].delete(distance);
    }
  }

  /** Trades against the other side up to a price: a limit order, or one that is none. Returns the unfilled lots. */
  takeLiquidity(side: Exclude<TradeSide, "unknown">, lots: number, limitTick?: number, taker?: RestingOrder): number {
    const from = side === "buy" ? this.asks : this.bids;
    let left = lots;
    while (left > 0 && !this.#trades.isFull && from.levels > fewestLevels) {
      const order = from.first;
      if (order === undefined) break;
      if (limitTick !== undefined && from.direction * (limitTick - order.tick) > 0) break;
      const filled = Math.min(left, order.lots);
      left -= filled;
      from.fill(order, filled);
      this.#print(side, order.tick, filled);
      this.#observer?.executed(order, filled, this.#now, this.#trades.own);
    }
    if (left < lots) this.#observer?.took(side, lots - left, this.#now, taker);
    return left;
  }

  /**
   * Executes a market order of the user, which excites the ordinary flow. The unfilled rest is dropped. Returns its trades.
   */
  order(side: Exclude<TradeSide, "unknown">, quantity: number): readonly MarketTrade[] {
    const before = this.#trades.count;
    this.#trades.own = true;
    const lots = Math.round(quantity * this.#sizeScale);
    if (this.takeLiquidity(side, lots) < lots) this.#arrivals.excite(side);
    this.#trades.own = false;
    return this.#trades.since(before);
  }

  /** Changes the best bid at the segment's end, after an order whose impact reaches the next border. */
  setEndReference(reference: number): void {
    this.#reference.endAt(reference);
  }

  /** Adds a trade to the tape without changing the book. */
  printTrade(side: Exclude<TradeSide, "unknown">, tick: number, lots: number): void {
    this.#print(side, tick, lots);
    this.#observer?.printed(side, tick, lots, this.#now);
  }

  #print(side: Exclude<TradeSide, "unknown">, tick: number, lots: number): void {
    this.#trades.print(side, tick, lots, this.#ns());
  }

  #find(number: number): RestingOrder | undefined {
    for (const side of [this.bids, this.asks]) {
      for (const order of side) if (order.number === number) return order;
    }
    return undefined;
  }

  #cancel(order: RestingOrder): void {
    if (order.lots === 0) return;
    this.#observer?.cancelled(order, this.#now);
    this.side(order.side).fill(order, order.lots);
  }

  #act(): void {
    const acts = this.#agenda.take(this.#now);
    if (acts === undefined) return;
    for (const act of acts) act(this);
    // The action may have changed the rates.
    this.#arrivals.plan(this.#now);
  }

  #ns(): number {
    return tapeMsOf(this.#setup.segment, this.#now) * nsPerMs;
  }

  #changeOf(bids: readonly TickLots[], asks: readonly TickLots[]): (book: OrderBook) => void {
    return (book) => {
      for (const [tick, lots] of bids) book.set("bid", this.price(tick), lots / this.#sizeScale);
      for (const [tick, lots] of asks) book.set("ask", this.price(tick), lots / this.#sizeScale);
    };
  }

  // --- orders follow the best prices ---

  /** The best prices have moved: orders at outdated prices follow after a while. */
  #moveOrders(): void {
    for (const side of [this.bids, this.asks]) {
      for (const order of side) {
        if (order.moving || order.distance === undefined) continue;
        if (order.tick === this.#reference.tickAt(order.side, order.distance)) continue;
        order.moving = true;
        this.#timers.schedule(order, this.#afterReaction());
      }
    }
  }

  /** Millisecond after a random reaction time. */
  #afterReaction(): number {
    return this.#now + Math.ceil(this.random.exponential(this.instrument.flow.followMs));
  }

  /** Handles an order whose timer fired: it expires, or moves to its price. */
  #onTimer(order: RestingOrder): void {
    if (order.lots === 0) return;
    const side = this.side(order.side);
    if (!order.moving || order.distance === undefined) {
      if (side.levels > fewestLevels) this.#cancel(order);
      else this.#timers.schedule(order, this.#afterReaction());
      return;
    }
    side.remove(order);
    this.#arrive(order, order.distance);
  }

  // --- ordinary flow ---

  #flow(): void {
    const arrival = this.#arrivals.next(this.#now);
    if (arrival?.kind === "take") this.#marketOrder(arrival.side);
    else if (arrival?.kind === "order") this.#newOrder(arrival.side, arrival.distance);
    this.#arrivals.plan(this.#now);
  }

  #marketOrder(side: "buy" | "sell"): void {
    const { flow } = this.instrument;
    this.#arrivals.excite(side);
    // Limited, so that no market order sweeps the whole book.
    const reach = Math.ceil(flow.stickiness);
    this.takeLiquidity(
      side,
      takeLots(this.random, flow),
      side === "buy" ? this.#reference.bid + 1 + reach : this.#reference.bid - reach,
    );
  }

  #newOrder(side: BookSideName, distance: number): void {
    const lots = orderLots(this.random, this.instrument.flow);
    this.#arrive(newOrder(this.#orders++, side, lots, distance, undefined), distance);
  }

  /** An order arrives at its price. If it crosses the other side, it trades or waits next to it. */
  #arrive(order: RestingOrder, distance: number): void {
    const { side } = order;
    if (this.#withdrawn[side].has(distance)) {
      this.#observer?.cancelled(order, this.#now);
      return;
    }
    const other = side === "bid" ? this.asks : this.bids;
    let tick = this.#reference.tickAt(side, distance);
    if (this.#crosses(side, tick) && this.random.chance(this.instrument.flow.aggressive)) {
      order.lots = this.takeLiquidity(side === "bid" ? "buy" : "sell", order.lots, tick, order);
    }
    order.moving = this.#crosses(side, tick);
    if (order.moving) tick = (other.best ?? tick) + other.direction;
    if (order.lots === 0) return;
    order.tick = tick;
    this.side(side).add(order);
    this.#observer?.rested(order, this.#now);
    this.#timers.schedule(order, order.moving ? this.#afterReaction() : this.#endOf(order));
  }

  #crosses(side: BookSideName, tick: number): boolean {
    const other = side === "bid" ? this.asks : this.bids;
    return other.best !== undefined && other.direction * (other.best - tick) >= 0;
  }

  /** Adds an order to the book unconditionally. */
  #rest(
    side: BookSideName,
    tick: number,
    lots: number,
    lifeMs: number,
    distance?: number,
    lasting?: BorderOrder,
  ): RestingOrder {
    const order = newOrder(this.#orders++, side, lots, distance, lasting);
    order.tick = tick;
    this.side(side).add(order);
    this.#observer?.rested(order, this.#now);
    this.#timers.schedule(order, this.#now + lifeMs);
    return order;
  }

  /** Expiry of an order at its price: lives are exponential, so its age does not matter. */
  #endOf({ distance, borderOrder }: RestingOrder): number {
    if (borderOrder) return segmentMs;
    const { bestLifeMs, deepLifeMs } = this.instrument.flow;
    const end = this.#now + Math.ceil(this.random.exponential(distance === 0 ? bestLifeMs : deepLifeMs));
    return this.#now >= settlingFromMs && end >= segmentMs ? this.#randomMsBefore(segmentMs) : end;
  }

  /** A uniformly random millisecond between now and `ms`. */
  #randomMsBefore(ms: number): number {
    return this.#now + 1 + this.random.integerBelow(ms - this.#now);
  }

  /** Places an order behind the best price, so that each frame has a change. */
  #addFrameOrder(): void {
    if (this.#now < segmentMs) this.#newOrder(this.random.chance(0.5) ? "bid" : "ask", 1 + this.random.integerBelow(9));
  }

  // --- the end of a segment becomes the beginning of the next ---

  /**
   * From here on the orders of the next border book arrive at random times, and all others leave before the segment ends. As many
   * arrive as leave, so the change is invisible.
   */
  #beginSettling(): void {
    for (const side of [this.bids, this.asks]) {
      for (const order of side) {
        if (order.dueMs >= segmentMs) this.#timers.schedule(order, this.#randomMsBefore(segmentMs));
      }
    }
    for (const lasting of this.#setup.to.orders) {
      const { side, distance, lots } = lasting;
      const order = newOrder(this.#orders++, side, lots, distance, lasting);
      order.moving = true;
      this.#timers.schedule(order, this.#randomMsBefore(segmentMs));
    }
  }

  /** Completes the border book at the last millisecond: mostly refills orders that have traded. */
  #settle(): void {
    const kept = new Set<BorderOrder>();
    for (const side of [this.bids, this.asks]) {
      for (const order of [...side]) {
        const { borderOrder, tick, lots } = order;
        if (
          borderOrder &&
          tick === this.#reference.tickAt(borderOrder.side, borderOrder.distance) &&
          lots === borderOrder.lots
        )
          kept.add(borderOrder);
        else this.#cancel(order);
      }
    }
    for (const lasting of this.#setup.to.orders) {
      const { side, distance, lots } = lasting;
      if (!kept.has(lasting))
        this.#rest(side, this.#reference.tickAt(side, distance), lots, segmentMs, distance, lasting);
    }
  }
}
