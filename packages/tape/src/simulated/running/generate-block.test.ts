import { analyticsVersion, framesPerSegment, incidentKinds } from "@tapedeck/market";
import fc from "fast-check";
import { expect, test } from "vitest";
import { generateSegment } from "../generate-segment.js";
import { blocksPerSegment, framesPerSimulatedBlock } from "../layout.js";
import { parseSimulatedName, type SimulatedName } from "../simulated-name.js";
import { generateLevels, generateOrders } from "../track/generate-track.js";
import type { NamedOrder } from "./checkpoints.js";
import { BlockGenerator } from "./generate-block.js";
import { ordersIn } from "./track-run.js";

function named(text: string): SimulatedName {
  return parseSimulatedName(text) ?? expect.fail(`${text} names no simulated tape`);
}

/** The rows that frames `from` to `to` show, as texts by column. */
function rowsOf(columns: { readonly seq: Float64Array }, from: number, to: number): Record<string, string> {
  const rows = [...columns.seq.keys()].filter((at) => (columns.seq[at] ?? -1) >= from && (columns.seq[at] ?? -1) <= to);
  return Object.fromEntries(
    Object.entries(columns).map(([name, values]) => [name, rows.map((at) => values[at]).join()]),
  );
}

const symbols = fc.constantFrom("BTCUSDT", "ETHUSDT", "OTHER");
const scenarios = fc.constantFrom("calm", "mixed", ...incidentKinds);
const steps = fc.array(
  fc.record({
    /** Frames since the order before; below 0 after a rewind, which drops the orders after there. */
    after: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 60 }) }, fc.integer({ min: -250, max: 0 })),
    side: fc.constantFrom("BUY", "SELL"),
    quantity: fc.integer({ min: 1, max: 30 }),
    /** Blocks after its own that are looked at. */
    ahead: fc.integer({ min: 0, max: 2 }),
  }),
  { minLength: 3, maxLength: 7 },
);
const market = fc.record({
  symbol: symbols,
  seed: fc.nat(),
  scenario: scenarios,
  from: fc.integer({ min: 0, max: 900 }),
  steps,
});

test("[SM40] a market that goes on from a checkpoint with another order has the bytes of one made from the beginning", {
  timeout: 300_000,
}, () => {
  const property = fc.property(market, ({ symbol, seed, scenario, from, steps }) => {
    const name = named(`sim2.${symbol}.${seed}.${scenario}@${analyticsVersion}`);
    const generator = new BlockGenerator();
    const at = 4 * framesPerSegment + from;
    let orders: NamedOrder[] = [];
    for (const [number, { after, side, quantity, ahead }] of steps.entries()) {
      const seq = Math.max(at, (orders.at(-1)?.seq ?? at) + after);
      const order = { id: `${number}`, seq, side, quantity, filled: quantity, settled: true };
      orders = [...orders.filter((earlier) => earlier.seq <= seq), order];
      const place = Math.floor(seq / framesPerSimulatedBlock) + ahead;
      const [segment, block] = [Math.floor(place / blocksPerSegment), place % blocksPerSegment];
      const task = { name, segment, block, orders };

      const whole: Uint8Array[] = [];
      const made: Uint8Array[] = [];
      const events = generateSegment(name, segment, (bytes) => whole.push(bytes), { orders });
      const [first, last] = [place * framesPerSimulatedBlock, (place + 1) * framesPerSimulatedBlock - 1];
      const found = generator.frames(task, (bytes) => made.push(bytes));
      expect(Buffer.from(made[0] ?? []).equals(Buffer.from(whole[block] ?? []))).toBe(true);
      expect(found).toEqual(events.filter((event) => event.seq >= first && event.seq <= last));

      const stretch = generator.track(task);
      const levels = generateLevels(name, segment, { orders });
      for (const [some, all] of [
        [stretch.levels.book, levels.book],
        [stretch.levels.trades, levels.trades],
        [ordersIn(stretch), generateOrders(name, segment, { orders })],
      ] as const) {
        expect(rowsOf(some, 0, Number.POSITIVE_INFINITY)).toEqual(rowsOf(all, first, last));
      }
    }
  });
  fc.assert(property, { numRuns: Number(process.env.TAPEDECK_MARKET_RUNS ?? 4) });
});
