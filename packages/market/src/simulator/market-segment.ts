import { isoOfNs, type TradeSide } from "@tapedeck/protocol";
import type { BookSideName, OrderBook } from "../book/order-book.js";
import type { MarketTrade } from "../frame/frame-analytics.js";
import type { MarketEvent } from "../frame/frame-builder.js";
import type { Instrument } from "./instrument.js";
import type { BorderBook } from "./orders/border-book.js";
import { OrderArrivals, orderLots, takeLots } from "./orders/order-arrivals.js";
import { type BorderOrder, type RestingOrder, RestingSide } from "./orders/resting-orders.js";
import { TimerWheel } from "./orders/timer-wheel.js";
import type { PriceSegment } from "./price-path.js";
import type { RandomStream } from "./random/random-stream.js";
import { frameMs, segmentMs, settlingMs, tapeMsOf } from "./segments.js";

/** Something done to the market on purpose at one millisecond of a segment. */
export interface Intervention {
  readonly atMs: number;
  act(market: MarketSegment): void;
}

interface SegmentSetup {
  readonly segment: number;
  readonly instrument: Instrument;
  readonly path: PriceSegment;
  readonly random: RandomStream;
  readonly from: BorderBook;
  readonly to: BorderBook;
  readonly startNs: bigint;
  readonly interventions: readonly Intervention[];
  /** Ticks that what is staged, and the user's own orders, add to the fair price. */
  readonly shiftAt: (ms: number) => number;
}

const settlingFromMs = segmentMs - settlingMs;
/** While it settles a market's best prices find to the next border's soon after that is possible. */
const settlingStepMs = 80;
/** A frame holds no more than 1,000; in the wildest moments trading stops until the next one. */
const mostTradesInFrame = 900;
/** The last few of a side don't go and can't be had, so that even in a crash there is a price. */
const fewestLevels = 3;
/** How often those who stand at the best prices look at the fair price. */
const followEveryMs = 10;
const nsPerMs = 1e6;

/**
 * One segment of a simulated market: a limit order book under random flow, a millisecond at a time. Orders come as `Arrivals` says
 * and stay for exponential times, as in Smith, Farmer, Gillemot and Krishnamurthy, "Statistical theory of the continuous double
 * auction" (2003). Best prices follow the fair price: those who stand at one that is no longer good move on, and those who see it
 * first trade with who is late.
 */
export class MarketSegment {
  readonly bids = new RestingSide("bid");
  readonly asks = new RestingSide("ask");
  readonly instrument: Instrument;
  readonly random: RandomStream;
  readonly #setup: SegmentSetup;
  readonly #arrivals: OrderArrivals;
  readonly #agenda = new TimerWheel(segmentMs);
  readonly #acts = new Map<number, ((market: MarketSegment) => void)[]>();
  readonly #priceScale: number;
  readonly #sizeScale: number;
  /** Distances from the best price at which nobody quotes for now. */
  readonly #withdrawn: Record<BookSideName, Set<number>> = { bid: new Set(), ask: new Set() };
  #trades: MarketTrade[] = [];
  #tradesInFrame = 0;
  /** Whether what is traded now is the user's own. */
  #own = false;
  /** Of `#trades`, which are all of this millisecond. */
  #timestamp = "";
  #now = 0;
  #reference: number;
  /** Where the segment has to end. */
  #lastReference: number;
  #nextMessageMs = 0;

  constructor(setup: SegmentSetup) {
    this.#setup = setup;
    this.instrument = setup.instrument;
    this.random = setup.random;
    this.#priceScale = Number(`1e${setup.instrument.priceDecimals}`);
    this.#sizeScale = Number(`1e${setup.instrument.sizeDecimals}`);
    this.#reference = setup.from.reference;
    this.#lastReference = setup.to.reference;
    this.#arrivals = new OrderArrivals(setup.instrument.flow, setup.path, setup.random);
    for (const { side, distance, lots, lifeMs } of setup.from.orders) {
      this.#rest(side, this.#tickAt(side, distance), lots, lifeMs, distance);
    }
    for (const { atMs, act } of setup.interventions) this.at(atMs, act);
  }

  /** Multiplies parts of the ordinary flow. */
  get flowMultipliers(): OrderArrivals["multipliers"] {
    return this.#arrivals.multipliers;
  }

  /** Milliseconds since the segment began. */
  get nowMs(): number {
    return this.#now;
  }

  /** Tick of the best bid there should be; the best ask is one above. */
  get reference(): number {
    return this.#reference;
  }

  side(name: BookSideName): RestingSide {
    return name === "bid" ? this.bids : this.asks;
  }

  /** The best price that a side should have. */
  bestTick(side: BookSideName): number {
    return this.#tickAt(side, 0);
  }

  price(tick: number): number {
    return tick / this.#priceScale;
  }

  /** The whole book as the segment begins, at its first millisecond. */
  opening(): MarketEvent {
    const bids = this.bids.ticks().map((tick): [number, number] => [tick, this.bids.lotsAt(tick)]);
    const asks = this.asks.ticks().map((tick): [number, number] => [tick, this.asks.lotsAt(tick)]);
    return { ns: tapeMsOf(this.#setup.segment, 1) * nsPerMs, change: this.#changeOf(bids, asks) };
  }

  /** All that happens in the segment, in order. Each frame's interval ends with an event without trades. */
  *run(): Generator<MarketEvent> {
    this.bids.takeChanges();
    this.asks.takeChanges();
    while (this.#now < segmentMs) {
      this.#now++;
      if (this.#now % followEveryMs === 0) this.#follow();
      if (this.#now === settlingFromMs) this.#beginSettling();
      if (this.#acts.size > 0) this.#act();
      for (let due = this.#agenda.takeDue(this.#now); due !== undefined; due = this.#agenda.takeDue(this.#now))
        this.#look(due);
      if (this.#now >= this.#arrivals.nextMs) this.#flow();
      if (this.#now === segmentMs) this.#settle();
      const trades = this.#trades;
      if (trades.length > 0) {
        this.#trades = [];
        yield { ns: this.#ns(), trades };
      }
      if (this.#now % frameMs === 0) {
        this.#tradesInFrame = 0;
        this.#fidget();
        yield this.message() ?? { ns: this.#ns() };
      } else if (this.#now >= this.#nextMessageMs) {
        const event = this.message();
        if (event !== undefined) yield event;
      }
    }
  }

  /** The book's changes since the last message, if there are any. */
  message(): MarketEvent | undefined {
    const bids = this.bids.takeChanges();
    const asks = this.asks.takeChanges();
    if (bids.length === 0 && asks.length === 0) return undefined;
    const [least, most] = this.instrument.flow.messageMs;
    this.#nextMessageMs = this.#now + least + this.random.integerBelow(most - least + 1);
    return { ns: this.#ns(), change: this.#changeOf(bids, asks) };
  }

  /** Has the next message sent at once. */
  sendMessage(): void {
    this.#nextMessageMs = this.#now;
  }

  /** Changes some level that a frame shows, however little. */
  forceChange(): MarketEvent {
    const side = this.bids.best === undefined ? this.asks : this.bids;
    const tick = side.best ?? this.bestTick(side.name);
    this.#rest(side.name, tick, 1, frameMs);
    return this.message() ?? { ns: this.#ns() };
  }

  /** Has something done later in the segment. */
  at(ms: number, act: (market: MarketSegment) => void): void {
    const acts = this.#acts.get(ms);
    if (acts === undefined) this.#acts.set(ms, [act]);
    else acts.push(act);
  }

  /** Puts an order on purpose; undefined where it would trade at once. */
  placeOrder(side: BookSideName, tick: number, lots: number, lifeMs: number): RestingOrder | undefined {
    if (this.#crosses(side, tick)) return undefined;
    return this.#rest(side, tick, lots, lifeMs);
  }

  cancel(executeOwnOrder: RestingOrder): void {
    if (executeOwnOrder.lots > 0) this.side(executeOwnOrder.side).fill(executeOwnOrder, executeOwnOrder.lots);
  }

  /** Has nobody quote so many ticks behind the best price, wherever that goes, or lets them again. */
  withdraw(side: BookSideName, distances: readonly number[], withdrawn: boolean): void {
    for (const distance of distances) {
      if (withdrawn) this.#withdrawn[side].add(distance);
      else this.#withdrawn[side].delete(distance);
    }
  }

  /** Trades against the other side up to a price. Returns the lots that found nobody. */
  takeLiquidity(side: Exclude<TradeSide, "unknown">, lots: number, limitTick?: number): number {
    const from = side === "buy" ? this.asks : this.bids;
    let left = lots;
    while (left > 0 && this.#tradesInFrame < mostTradesInFrame && from.levels > fewestLevels) {
      const order = from.first;
      if (order === undefined) break;
      if (limitTick !== undefined && from.direction * (limitTick - order.tick) > 0) break;
      const filled = Math.min(left, order.lots);
      left -= filled;
      from.fill(order, filled);
      this.printTrade(side, order.tick, filled);
    }
    return left;
  }

  /**
   * An order at market of the user whose market this is: it trades with whoever is there, and others notice. What finds nobody
   * is void. Returns its trades.
   */
  order(side: Exclude<TradeSide, "unknown">, quantity: number): readonly MarketTrade[] {
    const before = this.#trades.length;
    this.#own = true;
    const lots = Math.round(quantity * this.#sizeScale);
    if (this.takeLiquidity(side, lots) < lots) this.#arrivals.excite(side);
    this.#own = false;
    return this.#trades.slice(before);
  }

  /** The next border's best bid lies elsewhere than was thought: so it does after an order, which is felt there too. */
  setEndReference(reference: number): void {
    this.#lastReference = reference;
  }

  /** A trade that shows on the tape without touching the book. */
  printTrade(side: Exclude<TradeSide, "unknown">, tick: number, lots: number): void {
    if (this.#tradesInFrame++ >= mostTradesInFrame) return;
    if (this.#trades.length === 0) this.#timestamp = isoOfNs(this.#setup.startNs + BigInt(this.#ns()), 3);
    const trade = { timestamp: this.#timestamp, price: this.price(tick), size: lots / this.#sizeScale, side };
    this.#trades.push(this.#own ? { ...trade, own: true } : trade);
  }

  #act(): void {
    const acts = this.#acts.get(this.#now);
    if (acts === undefined) return;
    for (const act of acts) act(this);
    this.#acts.delete(this.#now);
    // What was done may have changed the rates.
    this.#arrivals.plan(this.#now);
  }

  #ns(): number {
    return tapeMsOf(this.#setup.segment, this.#now) * nsPerMs;
  }

  #changeOf(bids: readonly [number, number][], asks: readonly [number, number][]): (book: OrderBook) => void {
    return (book) => {
      for (const [tick, lots] of bids) book.set("bid", this.price(tick), lots / this.#sizeScale);
      for (const [tick, lots] of asks) book.set("ask", this.price(tick), lots / this.#sizeScale);
    };
  }

  // --- the best prices follow the fair price ---

  /** Best prices stay while the fair price is not too far from them, and then go all the way at once. */
  #follow(): void {
    const fair = this.#setup.path.at(this.#now) + this.#setup.shiftAt(this.#now);
    const left = this.#isLeft(this.#reference, fair);
    if (this.#now < settlingFromMs) {
      if (left) this.#moveTo(Math.floor(fair));
      return;
    }
    // The next border's prices are as good as any near them, and where this has to end: sooner or later they are taken.
    const target = this.#lastReference;
    const atLast = this.#now === segmentMs;
    const good = this.#reference !== target && !this.#isLeft(target, fair);
    const found =
      good && (left || this.random.integerBelow((segmentMs - this.#now + settlingStepMs) / followEveryMs) === 0);
    if (found || (atLast && this.#reference !== target)) this.#moveTo(target);
    else if (left && !atLast) this.#moveTo(Math.floor(fair));
  }

  /** Whether the fair price is too far from a best bid of this tick. */
  #isLeft(reference: number, fair: number): boolean {
    const { stickiness } = this.instrument.flow;
    return fair > reference + 1 + stickiness || fair < reference - stickiness;
  }

  #moveTo(reference: number): void {
    this.#reference = reference;
    for (const side of [this.bids, this.asks]) {
      for (const order of side) {
        if (order.moving || order.distance === undefined || order.tick === this.#tickAt(order.side, order.distance))
          continue;
        order.moving = true;
        this.#agenda.schedule(order, this.#soon());
      }
    }
  }

  /** A moment after which somebody has noticed. */
  #soon(): number {
    return this.#now + Math.ceil(this.random.exponential(this.instrument.flow.followMs));
  }

  #tickAt(side: BookSideName, distance: number): number {
    return side === "bid" ? this.#reference - distance : this.#reference + 1 + distance;
  }

  /** An order's time has come. */
  #look(order: RestingOrder): void {
    if (order.lots === 0) return;
    const side = this.side(order.side);
    if (!order.moving || order.distance === undefined) {
      if (side.levels > fewestLevels) side.fill(order, order.lots);
      else this.#agenda.schedule(order, this.#soon());
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
    // Not through the whole book: whoever trades looks at the price.
    const reach = Math.ceil(flow.stickiness);
    this.takeLiquidity(
      side,
      takeLots(this.random, flow),
      side === "buy" ? this.#reference + 1 + reach : this.#reference - reach,
    );
  }

  #newOrder(side: BookSideName, distance: number): void {
    const lots = orderLots(this.random, this.instrument.flow);
    this.#arrive(newOrder(side, lots, distance, undefined), distance);
  }

  /** An order comes to where it belongs. Where the other side still has the price it trades, or waits next to it. */
  #arrive(order: RestingOrder, distance: number): void {
    const { side } = order;
    if (this.#withdrawn[side].has(distance)) return;
    const other = side === "bid" ? this.asks : this.bids;
    let tick = this.#tickAt(side, distance);
    if (this.#crosses(side, tick) && this.random.chance(this.instrument.flow.aggressive)) {
      order.lots = this.takeLiquidity(side === "bid" ? "buy" : "sell", order.lots, tick);
    }
    order.moving = this.#crosses(side, tick);
    if (order.moving) tick = (other.best ?? tick) + other.direction;
    if (order.lots === 0) return;
    order.tick = tick;
    this.side(side).add(order);
    this.#agenda.schedule(order, order.moving ? this.#soon() : this.#endOf(order));
  }

  #crosses(side: BookSideName, tick: number): boolean {
    const other = side === "bid" ? this.asks : this.bids;
    return other.best !== undefined && other.direction * (other.best - tick) >= 0;
  }

  /** Puts an order into the book as it is. */
  #rest(
    side: BookSideName,
    tick: number,
    lots: number,
    lifeMs: number,
    distance?: number,
    lasting?: BorderOrder,
  ): RestingOrder {
    const order = newOrder(side, lots, distance, lasting);
    order.tick = tick;
    this.side(side).add(order);
    this.#agenda.schedule(order, this.#now + lifeMs);
    return order;
  }

  /** When an order that is where it belongs goes: lives are exponential, so it does not matter how long it was there. */
  #endOf({ distance, borderOrder }: RestingOrder): number {
    if (borderOrder) return segmentMs;
    const { bestLifeMs, deepLifeMs } = this.instrument.flow;
    const end = this.#now + Math.ceil(this.random.exponential(distance === 0 ? bestLifeMs : deepLifeMs));
    return this.#now >= settlingFromMs && end >= segmentMs ? this.#before(segmentMs) : end;
  }

  /** A moment between now and `ms`, each as likely. */
  #before(ms: number): number {
    return this.#now + 1 + this.random.integerBelow(ms - this.#now);
  }

  /** Each frame has something new: an order behind the best price. */
  #fidget(): void {
    if (this.#now < segmentMs) this.#newOrder(this.random.chance(0.5) ? "bid" : "ask", 1 + this.random.integerBelow(9));
  }

  // --- the end of a segment becomes the beginning of the next ---

  /**
   * From here on the orders of the next border book come in, at times of their own, and all others have gone when the segment
   * ends. As many come as go, so none of it shows.
   */
  #beginSettling(): void {
    for (const side of [this.bids, this.asks]) {
      for (const order of side) {
        if (order.dueMs >= segmentMs) this.#agenda.schedule(order, this.#before(segmentMs));
      }
    }
    for (const lasting of this.#setup.to.orders) {
      const { side, distance, lots } = lasting;
      const order = newOrder(side, lots, distance, lasting);
      order.moving = true;
      this.#agenda.schedule(order, this.#before(segmentMs));
    }
  }

  /** What is left to do at the last moment: hardly anything but refilling what was traded away. */
  #settle(): void {
    const kept = new Set<BorderOrder>();
    for (const side of [this.bids, this.asks]) {
      for (const order of [...side]) {
        const { borderOrder, tick, lots } = order;
        if (borderOrder && tick === this.#tickAt(borderOrder.side, borderOrder.distance) && lots === borderOrder.lots)
          kept.add(borderOrder);
        else this.cancel(order);
      }
    }
    for (const lasting of this.#setup.to.orders) {
      const { side, distance, lots } = lasting;
      if (!kept.has(lasting)) this.#rest(side, this.#tickAt(side, distance), lots, segmentMs, distance, lasting);
    }
  }
}

function newOrder(
  side: BookSideName,
  lots: number,
  distance: number | undefined,
  borderOrder: BorderOrder | undefined,
): RestingOrder {
  return { side, distance, borderOrder, tick: 0, lots, moving: false, dueMs: 0, earlier: undefined, later: undefined };
}
