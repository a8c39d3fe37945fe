import { analyticsVersion } from "@tapedeck/market";
import {
  type Action,
  MatchingEngine,
  type OrderSide,
  type Output,
  parseSettings,
  type TapeOrder,
} from "@tapedeck/matching";
import { expect, test } from "vitest";
import { randomActions } from "./random-orders.js";
import { type RecordedMarket, recordedMarket, simulatedMarket } from "./recorded-market.js";

const lobster = await recordedMarket("aapl");
if (lobster === undefined) process.stderr.write("\nSKIPPED: fills in the queues of LOBSTER, without its recording\n\n");

/** An order in a queue: of the tape, or ours. */
interface Queued {
  readonly id: string;
  readonly side: "bid" | "ask";
  readonly price: number;
  readonly ours: boolean;
  /** Of ours, what is open. */
  open: number;
}

/**
 * One list of all orders, in the order in which they came, searched from the beginning each time: as slow and as plain as can be. It says what
 * each record of the tape has to fill.
 */
class PlainQueues {
  #all: Queued[] = [];

  /** Fills of ours by a record, as `id amount`. */
  record({ action, id, side, priceUnits, amountUnits, restUnits }: TapeOrder): string[] {
    const at = this.#all.findIndex((order) => !order.ours && order.id === id);
    const known = this.#all[at];
    const price = priceUnits ?? known?.price ?? Number.NaN;
    if (action === "clear") this.#all = this.#all.filter(({ ours }) => ours);
    else if (action === "add" || action === "modify") {
      if (known !== undefined && known.price === price && amountUnits < known.open) known.open = amountUnits;
      else {
        if (known !== undefined) this.#all.splice(at, 1);
        this.#all.push({ id, side: side ?? "bid", price, ours: false, open: amountUnits });
      }
    } else if (action === "cancel") this.#shrink(known, restUnits ?? (known?.open ?? 0) - amountUnits);
    else if (action === "execute" || action === "hidden") {
      const fills = this.#fills(
        side ?? known?.side ?? "bid",
        price,
        amountUnits,
        action === "hidden" ? Number.POSITIVE_INFINITY : at,
      );
      if (action === "execute") this.#shrink(known, restUnits ?? (known?.open ?? 0) - amountUnits);
      return fills;
    }
    return [];
  }

  /** What the engine says of our orders, besides fills by records. */
  hear(output: Output, orders: ReadonlyMap<string, { readonly side: OrderSide; price: number; open: number }>): void {
    if (!("id" in output)) return;
    const at = this.#all.findIndex(({ ours, id }) => ours && id === output.id);
    const order = orders.get(output.id);
    if (output.kind === "done" && at >= 0) this.#all.splice(at, 1);
    else if (output.kind === "fill" && output.maker) this.#shrink(this.#all[at], output.open);
    else if (output.kind === "replaced" && !output.keptPlace && at >= 0) this.#all.splice(at, 1);
    if (order === undefined || output.kind === "refused" || output.kind === "done") return;
    if (this.#all.some(({ ours, id }) => ours && id === output.id)) return;
    const side = order.side === "buy" ? "bid" : "ask";
    this.#all.push({ id: output.id, side, price: order.price, ours: true, open: order.open });
  }

  #fills(side: "bid" | "ask", price: number, amount: number, before: number): string[] {
    const better = (a: number) => (side === "bid" ? a > price : a < price);
    const met = this.#all
      .map((order, at) => ({ order, at }))
      .filter(({ order }) => order.ours && order.side === side)
      .filter(({ order, at }) => better(order.price) || (order.price === price && at < before))
      .sort((a, b) => (side === "bid" ? b.order.price - a.order.price : a.order.price - b.order.price) || a.at - b.at);
    let left = amount;
    const fills: string[] = [];
    for (const { order } of met) {
      const traded = Math.min(left, order.open);
      if (traded > 0) fills.push(`${order.id} ${traded}`);
      left -= traded;
    }
    return fills;
  }

  #shrink(order: Queued | undefined, rest: number): void {
    if (order === undefined) return;
    order.open = rest;
    if (rest <= 0) this.#all.splice(this.#all.indexOf(order), 1);
  }
}

/** The number of fills by records of orders, each of which the plain queues have too. */
function compare({ decimals, events }: RecordedMarket, seed: string, largest: number): number {
  const engine = new MatchingEngine(
    parseSettings({
      instrument: { priceDecimals: decimals.price, amountDecimals: decimals.size, tick: 1, lot: 1 },
      queue: { model: "orders" },
      account: { kind: "futures", wallet: "1000000000", leverage: 1 },
      maxOpenOrders: 10_000,
    }),
  );
  const waiting = randomActions(events, { orders: 400, seed, apartNs: 1n, largest, lot: 1 }).reverse();
  const queues = new PlainQueues();
  const orders = new Map<string, { side: OrderSide; price: number; open: number }>();
  const note = (action: Action) => {
    if (action.kind === "place") {
      const { id, side, price = 0, amount } = action.order;
      orders.set(id, { side, price, open: amount });
    }
    const order = action.kind === "replace" ? orders.get(action.id) : undefined;
    if (action.kind === "replace" && order !== undefined)
      orders.set(action.id, { ...order, price: action.price ?? order.price, open: action.amount });
  };
  let [clock, compared] = [0n, 0];
  for (const event of events) {
    // Each action alone, so that what is said is its doing.
    for (let next = waiting.at(-1); next !== undefined && next.sentNs < event.timestampNs; next = waiting.at(-1)) {
      waiting.pop();
      if (next.sentNs <= clock) continue;
      note(next);
      engine.submit(next);
      engine.advance(next.sentNs);
      clock = next.sentNs;
      for (const output of engine.take()) {
        const order = orders.get("id" in output ? output.id : "");
        if (output.kind === "fill" && order !== undefined) order.open = output.open;
        queues.hear(output, orders);
      }
    }
    if (event.timestampNs > clock) clock = event.timestampNs;
    engine.event(event);
    const outputs = engine.take();
    if (event.kind === "orders") {
      const fills = outputs.flatMap((output) => (output.kind === "fill" ? [`${output.id} ${output.amount}`] : []));
      expect(event.orders.flatMap((order) => queues.record(order))).toEqual(fills);
      compared += fills.length;
    }
    for (const output of outputs) queues.hear(output, orders);
  }
  return compared;
}

test.skipIf(lobster === undefined)(
  "[MA33] LOBSTER: each execution fills what one plain list of all orders says",
  () => {
    if (lobster !== undefined) expect(compare(lobster, "1", 100)).toBeGreaterThan(20);
  },
);

test("[MA33] a simulated market: each execution fills what one plain list of all orders says", async () => {
  const market = await simulatedMarket(`sim2.BTCUSDT.42.mixed@${analyticsVersion}`, 1_200);
  expect(compare(market, "1", 3_000)).toBeGreaterThan(100);
});
