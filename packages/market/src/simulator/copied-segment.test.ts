import { expect, test } from "vitest";
import type { SegmentEvent } from "./market-segment.js";
import type { OwnOrder } from "./orders/own-orders.js";
import { RandomStream } from "./random/random-stream.js";
import { incidentKinds } from "./scenario/scenario.js";
import { frameMs, framesPerSegment, tapeMsOf } from "./segments.js";
import { SimulatedMarket } from "./simulated-market.js";

const nsPerMs = 1e6;

/** Orders of a user in a segment, some settled, some in the same frame. */
function ordersIn(segment: number, random: RandomStream): OwnOrder[] {
  const orders: OwnOrder[] = [];
  for (let frame = random.integerBelow(60); frame < framesPerSegment; frame += random.integerBelow(70)) {
    const quantity = 1 + random.integerBelow(6);
    const settled = random.chance(0.6);
    const side = random.chance(0.5) ? "BUY" : "SELL";
    orders.push({
      seq: segment * framesPerSegment + frame,
      side,
      quantity,
      ...(settled && { settled, filled: quantity }),
    });
  }
  return orders;
}

/** All that an event says. */
const saidBy = ({ change: _, ...said }: SegmentEvent) => said;

test.each(["calm", ...incidentKinds])(
  "[SM39] a copy of a market that is made between two frames goes on as the market does, with the orders from then on: %s",
  (scenario) => {
    const market = new SimulatedMarket({ symbol: "BTCUSDT", seed: `copied ${scenario}`, scenario });
    const segment = 3; // it has an incident
    const random = new RandomStream(scenario, "orders", segment);
    const filled = new Map<OwnOrder, number>();
    const given = ordersIn(segment, random);
    const whole = market.segment(segment, given, {
      onTraded: (order, trades) =>
        filled.set(order, Number(trades.reduce((sum, { size }) => sum + size, 0).toFixed(8))),
    });
    const events = [...whole.run()].map(saidBy);
    const orders = given.map((order) => ({ filled: filled.get(order) ?? 0, ...order }));

    let running = market.segment(segment, []);
    let frame = 0;
    const made: ReturnType<typeof saidBy>[] = [];
    while (frame < framesPerSegment) {
      // Of what comes later the market knows nothing when it is copied.
      const until = Math.min(framesPerSegment, frame + 1 + random.integerBelow(40));
      const known = orders.filter(({ seq }) => seq < segment * framesPerSegment + until);
      const before = running;
      running = market.copy(before, known);
      for (const event of running.run()) {
        made.push(saidBy(event));
        if (event.trades === undefined && event.ns === tapeMsOf(segment, until * frameMs) * nsPerMs) break;
      }
      // What becomes of the original changes nothing in its copy.
      for (const _ of before.run()) if (before.nowMs > (frame + 5) * frameMs) break;
      frame = until;
    }
    expect(made).toEqual(events);
  },
);
