import { OrderBook, RandomStream } from "@tapedeck/market";
import type { Action, Fill, NewOrder, NewOrderList, Output } from "./actions.js";
import { MatchingEngine } from "./engine.js";
import { type MatchingSettingsInput, parseSettings } from "./settings.js";
import type { TapeEvent, TapeLevel, TapeOrder } from "./tape-events.js";

/** An engine and a tape in seconds from 0, for tests. */
export class TestVenue {
  readonly engine: MatchingEngine;
  #n = -1;

  constructor(settings: Partial<MatchingSettingsInput> = {}) {
    this.engine = new MatchingEngine(testSettings(settings));
  }

  /** Levels of both sides, as `[price, amount]`; the whole book if it is a snapshot. */
  book(
    second: number,
    { bids = [], asks = [], isSnapshot = false }: { bids?: Pairs; asks?: Pairs; isSnapshot?: boolean },
  ): Output[] {
    const levels = [...levelsOf("bid", bids), ...levelsOf("ask", asks)];
    this.engine.event({ kind: "book", n: ++this.#n, timestampNs: ns(second), isSnapshot, levels });
    return this.engine.take();
  }

  trade(second: number, side: "buy" | "sell" | "unknown", priceUnits: number, amountUnits: number): Output[] {
    this.engine.event({ kind: "trade", n: ++this.#n, timestampNs: ns(second), side, priceUnits, amountUnits });
    return this.engine.take();
  }

  /** Sends an order and goes on to the time of its arrival. */
  place(second: number, order: NewOrder): Output[] {
    return this.act({ kind: "place", sentNs: ns(second), order });
  }

  act(action: Action): Output[] {
    this.engine.advance(this.engine.submit(action));
    return this.engine.take();
  }
}

type Pairs = readonly (readonly [price: number, amount: number])[];

function levelsOf(side: "bid" | "ask", pairs: Pairs): TapeLevel[] {
  return pairs.map(([priceUnits, amountUnits]) => ({ side, priceUnits, amountUnits }));
}

export function testSettings(settings: Partial<MatchingSettingsInput> = {}) {
  return parseSettings({
    instrument: { priceDecimals: 1, amountDecimals: 3, tick: 1, lot: 1 },
    account: { kind: "futures", wallet: "1000000", leverage: 100 },
    ...settings,
  });
}

export function ns(second: number): bigint {
  return BigInt(Math.round(second * 1_000)) * 1_000_000n;
}

/** Bids 10 at 99 and 20 at 98, asks 10 at 101 and 20 at 102. */
export const twoLevels = {
  bids: [
    [99, 10],
    [98, 20],
  ],
  asks: [
    [101, 10],
    [102, 20],
  ],
} as const;

/** A venue that has got that book. */
export function venueWithBook(settings: ConstructorParameters<typeof TestVenue>[0] = {}): TestVenue {
  const venue = new TestVenue(settings);
  venue.book(1, twoLevels);
  return venue;
}

export function limit(id: string, side: "buy" | "sell", price: number, amount: number, more = {}): NewOrder {
  return { id, side, type: "LIMIT", price, amount, ...more };
}

/** Outputs in few words, without those of accounts. */
export function words(outputs: readonly Output[]): string[] {
  return outputs.flatMap((output) => {
    if (output.kind === "account") return [];
    if (output.kind === "fill")
      return [`${output.id} ${output.maker ? "makes" : "takes"} ${output.amount} at ${output.price}`];
    if (output.kind === "done") return [`${output.id} ${output.state} ${output.reason}`];
    if (output.kind === "refused") return [`${output.id} refused ${output.code}`];
    if (output.kind === "liquidation") return [`liquidation at ${output.price}`];
    return [`${output.id} ${output.kind}`];
  });
}

export function fillsOf(outputs: readonly Output[]): Fill[] {
  return outputs.flatMap((output) => (output.kind === "fill" ? [output] : []));
}

/** A market of so many events whose book is never crossed, and actions on it; all from a seed. */
export function randomMarket(seed: number, count: number): { events: TapeEvent[]; actions: Action[] } {
  const random = new RandomStream(`${seed}`, "market", 0);
  const book = new OrderBook();
  const events: TapeEvent[] = [];
  const actions: Action[] = [];
  let at = 1_000_000_000;
  let sent = 0;
  let mid = 1_000;
  for (let n = 0; n < count; n++) {
    at += random.integerBelow(3) * 1_000_000;
    mid += random.integerBelow(3) - 1;
    const timestampNs = BigInt(at - (random.chance(0.1) ? 500_000 : 0));
    if (random.chance(0.3) && n > 5) {
      const side = random.chance(0.5) ? "buy" : "sell";
      const price = (side === "buy" ? book.asks.bestPrice : book.bids.bestPrice) ?? mid;
      const priceUnits = price + (random.chance(0.2) ? (side === "buy" ? 2 : -2) : 0);
      events.push({ kind: "trade", n, timestampNs, side, priceUnits, amountUnits: 1 + random.integerBelow(30) });
    } else {
      if (n > 5) events.push({ kind: "orders", n, timestampNs, orders: [randomTapeOrder(random, mid)] });
      events.push({ kind: "book", n, timestampNs, ...change(random, book, mid, n === 0 || random.chance(0.02)) });
    }
    if (!random.chance(0.2)) continue;
    sent = Math.max(sent, at) + random.integerBelow(1_000_000);
    actions.push(randomAction(random, BigInt(sent), actions.length, mid));
  }
  return { events, actions };
}

/** Levels around a price: those beyond it go away. */
function change(random: RandomStream, book: OrderBook, mid: number, isSnapshot: boolean) {
  const levels: TapeLevel[] = [];
  const set = (side: "bid" | "ask", priceUnits: number, amountUnits: number) => {
    book.set(side, priceUnits, amountUnits);
    levels.push({ side, priceUnits, amountUnits });
  };
  if (isSnapshot) book.clear();
  for (const [price] of book.bids.top(50)) if (price >= mid) set("bid", price, 0);
  for (const [price] of book.asks.top(50)) if (price <= mid) set("ask", price, 0);
  for (let step = 1; step <= 5; step++) {
    if (isSnapshot || random.chance(0.4)) set("bid", mid - step, random.integerBelow(40) + (isSnapshot ? 1 : 0));
    if (isSnapshot || random.chance(0.4)) set("ask", mid + step, random.integerBelow(40) + (isSnapshot ? 1 : 0));
  }
  return { isSnapshot, levels };
}

/** What happened to one of few orders; it need not agree with the levels. */
function randomTapeOrder(random: RandomStream, mid: number): TapeOrder {
  const action = (["add", "add", "modify", "cancel", "execute", "execute", "hidden"] as const)[random.integerBelow(7)];
  const side = random.chance(0.5) ? "bid" : "ask";
  const priceUnits = side === "bid" ? mid - 1 - random.integerBelow(3) : mid + 1 + random.integerBelow(3);
  const id = `${side}${priceUnits}-${random.integerBelow(3)}`;
  return { action: action ?? "add", id, side, priceUnits, amountUnits: 1 + random.integerBelow(20) };
}

/** Another stop price for one of several kinds of orders that wait. */
function randomWaiting(random: RandomStream, price: number, amount: number) {
  const stopPrice = random.chance(0.5) ? price + 4 : price - 4;
  return { stopPrice, amount: random.chance(0.2) ? 0 : amount, ...(random.chance(0.4) && { price }) };
}

function randomAction(random: RandomStream, sentNs: bigint, number: number, mid: number): Action {
  const earlier = `${random.integerBelow(number + 1)}`;
  const price = mid + random.integerBelow(9) - 4;
  const amount = 1 + random.integerBelow(60);
  if (random.chance(0.15)) return { kind: "cancel", sentNs, id: earlier };
  if (random.chance(0.15)) return { kind: "replace", sentNs, id: earlier, price, amount };
  if (random.chance(0.1)) return { kind: "replace", sentNs, id: earlier, ...randomWaiting(random, price, amount) };
  if (random.chance(0.02)) return { kind: "cancel-all", sentNs };
  const id = `${number}`;
  const side = random.chance(0.5) ? "buy" : "sell";
  const stopPrice = side === "buy" ? price + 4 : price - 4;
  if (random.chance(0.15)) return { kind: "place-list", sentNs, list: randomList(random, id, side, price) };
  const timeInForce = (["GTC", "GTC", "GTX", "IOC", "FOK"] as const)[random.integerBelow(5)] ?? "GTC";
  const kinds: NewOrder[] = [
    { id, side, type: "MARKET", amount },
    { id, side, type: "STOP", amount, stopPrice },
    { id, side, type: "STOP_LIMIT", amount, stopPrice, price },
    { id, side, type: "TAKE_PROFIT", amount, stopPrice: 2 * price - stopPrice },
    { id, side, type: "MARKET", amount: 0, quoteAmount: BigInt(amount) * BigInt(price) },
    { id, side, type: "STOP", amount: 0, closePosition: true, stopPrice },
    { id, side, type: "STOP", amount, reduceOnly: true, stopPrice },
    { id, side, type: "LIMIT", amount, reduceOnly: true, price },
    { id, side, type: "LIMIT", amount, reduceOnly: true, price: side === "buy" ? price - 2 : price + 2 },
  ];
  const order = kinds[random.integerBelow(13)] ?? { id, side, type: "LIMIT", price, amount, timeInForce };
  return { kind: "place", sentNs, order };
}

/** A pair around a price, for half of them after a first order there. */
function randomList(random: RandomStream, id: string, side: "buy" | "sell", price: number): NewOrderList {
  const far = side === "buy" ? 3 : -3;
  const amount = 1 + random.integerBelow(30);
  const stop: NewOrder = { id: `${id}-stop`, side, type: "STOP", amount, stopPrice: price + far };
  const others = [stop, limit(`${id}-limit`, side, price - far, amount)];
  if (random.chance(0.5)) return { others };
  return { first: limit(`${id}-first`, side === "buy" ? "sell" : "buy", price, amount), others };
}
