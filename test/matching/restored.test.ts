import { MatchingEngine, type MatchingSettingsInput, parseSettings, type TapeState } from "@tapedeck/matching";
import { expect, test } from "vitest";
import { played } from "./play.js";
import { randomActions } from "./random-orders.js";
import { type RecordedMarket, recordedMarket } from "./recorded-market.js";

const market = await recordedMarket("primary");
if (market === undefined) process.stderr.write("\nSKIPPED: restored engines, without the recording of 2023\n\n");

const variants: Pick<MatchingSettingsInput, "fills" | "queue" | "latency">[] = [
  { queue: { model: "power-probability", n: 2.5 } },
  {
    fills: "whole",
    queue: { model: "log-probability" },
    latency: {
      entry: { kind: "log-normal", medianNs: 4_000_000, sigma: 0.5 },
      response: { kind: "log-normal", medianNs: 4_000_000, sigma: 0.5 },
    },
  },
];

test.skipIf(market === undefined).each(variants)(
  "[MA3] on the futures recording of 2023, an engine goes on from its state and the tape's book at that event: %j",
  async (variant) => {
    if (market === undefined) return;
    const { decimals, events } = market;
    const settings = parseSettings({
      instrument: { priceDecimals: decimals.price, amountDecimals: decimals.size, tick: 1, lot: 1 },
      account: { kind: "spot", base: "1000", quote: "100000000" },
      fees: { maker: 10_000, taker: 40_000 },
      maxOpenOrders: 1_000,
      ...variant,
    });
    const actions = randomActions(events, { orders: 600, seed: "3", apartNs: 1n, largest: 3_000, lot: 1 });
    const expected = played(new MatchingEngine(settings), events, actions);
    const outputs = [];
    let engine = new MatchingEngine(settings);
    let sent = 0;
    for (const part of parts(events, 7)) {
      const said = played(engine, part, actions.slice(sent));
      outputs.push(...said);
      sent = engine.state().counts.sent;
      const state: unknown = JSON.parse(JSON.stringify(engine.state()));
      engine = MatchingEngine.restore(settings, state, await bookAfter(market, engine.n));
    }
    expect(expected.filter(({ kind }) => kind === "fill").length).toBeGreaterThan(300);
    expect(outputs).toEqual(expected);
  },
);

/** In so many parts. */
function* parts<T>(all: readonly T[], count: number): Generator<readonly T[]> {
  const length = Math.ceil(all.length / count);
  for (let from = 0; from < all.length; from += length) yield all.slice(from, from + length);
}

/** The book as the tape has it. */
async function bookAfter({ track, decimals }: RecordedMarket, n: number): Promise<TapeState> {
  const { bids, asks } = await track.bookAt({ n });
  const units = (levels: typeof bids) =>
    levels.map(
      ([price, amount]) =>
        [Math.round(price * 10 ** decimals.price), Math.round(amount * 10 ** decimals.size)] as const,
    );
  return { bids: units(bids), asks: units(asks) };
}
