import { OrderBook, RandomStream } from "@tapedeck/market";
import type { Action, NewOrder, TapeEvent, TimeInForce } from "@tapedeck/matching";

interface RandomOrders {
  readonly orders: number;
  readonly seed: string;
  /** No action of an order is sent sooner after the one before, so that the owner has learned what became of it. */
  readonly apartNs: bigint;
  /** Orders are not larger than so many units. */
  readonly largest: number;
  /** Of the units in which amounts are given. */
  readonly lot: number;
}

const validities = ["GTC", "GTC", "GTC", "GTX", "GTX", "IOC", "FOK"] as const satisfies readonly TimeInForce[];

/**
 * Orders at random times of a market, around the best prices of the moment, of which some are moved to another price or canceled later. In
 * the order in which they are sent.
 */
export function randomActions(events: readonly TapeEvent[], how: RandomOrders): Action[] {
  const random = new RandomStream(how.seed, "orders", 0);
  const chosen = Array.from({ length: how.orders }, () => random.integerBelow(events.length - 1_000) + 500);
  const places = new Map<number, number>();
  for (const at of chosen) places.set(at, (places.get(at) ?? 0) + 1);
  const book = new OrderBook();
  const actions: Action[] = [];
  let clock = 0n;
  let number = 0;
  for (const [at, event] of events.entries()) {
    if (event.timestampNs > clock) clock = event.timestampNs;
    if (event.kind === "book") {
      if (event.isSnapshot) book.clear();
      for (const { side, priceUnits, amountUnits } of event.levels) book.set(side, priceUnits, amountUnits);
    }
    for (let left = places.get(at) ?? 0; left > 0; left--) {
      const bid = book.bids.bestPrice;
      const ask = book.asks.bestPrice;
      if (bid === undefined || ask === undefined) continue;
      actions.push(...life(random, `${++number}`, clock, [bid, ask], how));
    }
  }
  return actions.sort((a, b) => Number(a.sentNs - b.sentNs));
}

/** An order's actions, the last of them at most a minute after the first. */
function life(
  random: RandomStream,
  id: string,
  clock: bigint,
  [bid, ask]: readonly [number, number],
  { apartNs, largest, lot }: RandomOrders,
): Action[] {
  const sentNs = clock + BigInt(random.integerBelow(20_000_000));
  const side = random.chance(0.5) ? "buy" : "sell";
  const amount = lot * (1 + random.integerBelow(largest / lot));
  /** At the best price or a few units on either side of it. */
  const price = () =>
    side === "buy" ? bid - Math.round(random.normal() * 40) : ask + Math.round(random.normal() * 40);
  if (random.chance(0.1)) return [{ kind: "place", sentNs, order: { id, side, type: "MARKET", amount } }];
  const timeInForce = validities[random.integerBelow(validities.length)] ?? "GTC";
  const near = random.chance(0.5) ? (side === "buy" ? bid : ask) : price();
  const order: NewOrder = { id, side, type: "LIMIT", amount, price: near, timeInForce };
  const actions: Action[] = [{ kind: "place", sentNs, order }];
  const later = () => apartNs + BigInt(random.integerBelow(20_000)) * 1_000_000n;
  let last = sentNs;
  if (random.chance(0.2)) {
    last += later();
    actions.push({ kind: "replace", sentNs: last, id, price: price(), amount });
  }
  if (random.chance(0.3)) actions.push({ kind: "cancel", sentNs: last + later(), id });
  return actions;
}
