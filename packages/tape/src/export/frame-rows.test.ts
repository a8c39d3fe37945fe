import { nsOfIso } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { z } from "zod";
import { MemoryTapeStore } from "../store/memory-store.js";
import { TapeCatalog } from "../tape-catalog.js";
import { writeTestTape } from "../testing.js";
import { frameRows } from "./frame-rows.js";
import { rowsOf } from "./testing.js";

const frames = z.object({
  timestamp: z.string(),
  bids: z.array(z.tuple([z.number(), z.number()])),
  asks: z.array(z.tuple([z.number(), z.number()])),
  trades: z.array(z.unknown()),
  anomalies: z.array(z.unknown()),
});

test("[EX4] a row for each frame of a range, over the borders of blocks, with its levels best first", async () => {
  const store = new MemoryTapeStore();
  const name = await writeTestTape(store, { frames: 300, gapAfter: [{ seq: 120, ms: 7_500 }] });
  const tape = await new TapeCatalog(store, { cacheBytes: 8 << 20 }).open(name);
  const rows = await rowsOf(frameRows(tape, { from: 50, to: 249 }));
  expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, nth) => BigInt(50 + nth)));
  for (const [nth, row] of rows.entries()) {
    const seq = 50 + nth;
    const json: unknown = JSON.parse((await tape.load(seq)).json(seq));
    const frame = frames.parse(json);
    expect(row).toMatchObject({ exchange: "TEST", symbol: "BTCUSDT", timestamp: nsOfIso(frame.timestamp) });
    for (const [side, levels] of [["bid", frame.bids] as const, ["ask", frame.asks] as const]) {
      for (let place = 0; place < 20; place++) {
        const [price, size] = levels[place] ?? [];
        expect([row[`${side}_price_${place + 1}`], row[`${side}_size_${place + 1}`]]).toEqual([price, size]);
      }
    }
    expect(row).toMatchObject({
      trade_count: BigInt(frame.trades.length),
      anomalies: frame.anomalies.length === 0 ? undefined : JSON.stringify(frame.anomalies),
      gap_before_ms: seq === 121 ? 7_500 : undefined,
      obi: undefined, // the tape has no analytics
    });
    if (frame.trades.length > 0)
      expect(json).toMatchObject({ trade_volume: row.trade_volume, trade_side: row.trade_side });
    else
      expect(row).toMatchObject({ trade_volume: undefined, last_trade_price: undefined, effective_spread: undefined });
    const { mid_price, microprice, best_bid, best_ask, spread, q_bid, q_ask, divergence } = row;
    expect(json).toMatchObject({ mid_price, microprice, best_bid, best_ask, spread, q_bid, q_ask, divergence });
  }
});
