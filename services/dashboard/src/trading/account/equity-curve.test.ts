import type { Frame, SessionFill } from "@tapedeck/protocol";
import { expect, test } from "vitest";
import { FrameLog } from "../../playback/frame-log";
import { afterFill, equityCurve, holdingsOf, profitAt, startOf, worthAt } from "./equity-curve";

const at = (second: number) => `2023-11-14T22:13:${20 + second}.000Z`;

function fill(second: number, side: "buy" | "sell", price: string, amount: string, fee = "0"): SessionFill {
  return {
    ...{ fill_id: `${second}`, order_id: "1", client_order_id: null, side, price, amount, fee },
    ...{ liquidity: "taker", position: "0", realized_pnl: null, timestamp: at(second) },
  };
}

function frame(seq: number, mid_price: number): Frame {
  return {
    ...{ type: "snapshot", seq, timestamp: at(seq), symbol: "BTCUSDT", bids: [], asks: [], mid_price },
    ...{ microprice: mid_price, best_bid: null, best_ask: null, spread: null, q_bid: 0, q_ask: 0, updates: 1 },
    ...{ trades: [], trade_classified: false, anomalies: [] },
  };
}

function logOf(...mids: number[]): FrameLog {
  const log = new FrameLog(5000);
  for (const [seq, mid] of mids.entries()) log.append(frame(seq, mid), 1);
  return log;
}

test("[DB104] equity is cash and position at the mid price, and profit leaves out what the first balances gained", () => {
  const start = { cash: 1000, position: 10 };
  const curve = equityCurve(
    start,
    [fill(1, "buy", "100", "2", "1"), fill(3, "sell", "110", "2", "1")],
    logOf(98, 100, 104, 110, 120),
  );
  expect(curve.map(({ ms, profit }) => [(ms - Date.parse(at(0))) / 1000, profit])).toEqual([
    [1, 0],
    [1, -1],
    [2, 7],
    [3, 18],
    [3, 18], // the frame of that time
    [4, 18],
  ]);
  expect(curve.at(-1)?.equity).toBe(1000 + 18 + 10 * 120);
});

test("[DB104] without a fill there is no curve, and a long log gives as many points as a screen has columns", () => {
  const start = { cash: 1000, position: 0 };
  expect(equityCurve(start, [], logOf(1, 2, 3))).toEqual([]);
  const mids = Array.from({ length: 4000 }, (_, nth) => 100 + nth);
  const log = new FrameLog(5000);
  for (const [seq, mid] of mids.entries()) {
    log.append({ ...frame(0, mid), seq, timestamp: new Date(Date.parse(at(0)) + seq).toISOString() }, 1);
  }
  const curve = equityCurve(start, [fill(0, "buy", "100", "1")], log);
  expect(curve.length).toBeLessThan(700);
  expect(curve.at(-1)).toMatchObject({ equity: 1000 - 100 + 4099 });
});

test("[DB104] spot and futures accounts have the same worth and profit for the same fills", () => {
  const fees = { maker: "0", taker: "0" };
  const rest = { fees, queue: { model: "auto" }, fills: "partial", market_impact: true, seed: "0" } as const;
  const latency = { entry: { kind: "constant", ms: 0 }, response: { kind: "constant", ms: 0 } } as const;
  const futures = { kind: "futures", wallet: "1000", leverage: 10, maintenance_rate: "0.004" } as const;
  const begin = startOf({ ...rest, latency, account: futures });
  expect(begin).toEqual({ cash: 1000, position: 0 });
  const held = holdingsOf({
    ...{ kind: "futures", wallet: "999", position: "-2", entry_price: "100", leverage: 10, unrealized_pnl: null },
    ...{ margin: null, liquidation_price: null, last_price: null, equity: null },
  });
  expect(held).toEqual(afterFill(begin, fill(1, "sell", "100", "2", "1")));
  expect(worthAt(held, 90)).toBe(1019);
  expect(profitAt(held, begin, 90)).toBe(19);
});
