import type { TrackedUpdate } from "@tapedeck/tape";
import { expect, test } from "vitest";
import { z } from "zod";
import { BinanceMessages, binanceChannels } from "./binance-messages.js";

const written = z.object({ stream: z.string(), data: z.looseObject({}) });

function writer(isFutures: boolean): BinanceMessages {
  const track = { price: 1, size: 3 };
  return new BinanceMessages({ symbol: "BTCUSDT", isFutures, times: 3, track, channels: new Set(binanceChannels) });
}

function update(
  n: number,
  isSnapshot: boolean,
  ...levels: (readonly ["bid" | "ask", number, number])[]
): TrackedUpdate {
  return {
    ...{ kind: "book", n, seq: 0, heard: n, state: "applied", isSnapshot, ids: undefined },
    ...{ timestampNs: 1_700_000_000_123_000_000n, receivedNs: 1_700_000_000_124_500_000n + BigInt(n) },
    levels: levels.map(([side, priceUnits, amountUnits]) => ({
      ...{ side, priceUnits, amountUnits },
      price: (priceUnits / 10).toFixed(1),
      amount: (amountUnits / 1_000).toFixed(3),
    })),
  };
}

function dataOf(lines: readonly { readonly text: string }[]): unknown {
  expect(lines).toHaveLength(1);
  const [received = "", json = ""] = [lines[0]?.text.slice(0, 28), lines[0]?.text.slice(29)];
  expect(received).toMatch(/^2023-11-14T22:13:20\.1245\d{3}Z$/);
  return written.parse(JSON.parse(json)).data;
}

test("[TM12] each diff follows the one before, and a snapshot of any minute lies between two", () => {
  for (const isFutures of [false, true]) {
    const all = writer(isFutures);
    const before = { n: 4, bids: [], asks: [], knownLow: undefined, knownHigh: undefined, limitsKnown: true };
    const received = 1_700_000_000_124_500_000n;
    expect(dataOf(all.snapshot(before, 1_700_000_000_000_000_000n, received))).toMatchObject({ lastUpdateId: 11 });
    const pu = (id: number) => (isFutures ? { pu: id, T: 1_700_000_000_123 } : {});
    const first = dataOf(all.update(update(7, false, ["bid", 1_000, 2_000])));
    const times = { e: "depthUpdate", E: 1_700_000_000_123, s: "BTCUSDT" };
    expect(first).toEqual({ ...times, ...pu(10), U: 11, u: 16, b: [["100.0", "2.000"]], a: [] });
    const second = dataOf(all.update(update(8, false, ["ask", 1_010, 5])));
    expect(second).toEqual({ ...times, ...pu(16), U: 17, u: 18, b: [], a: [["101.0", "0.005"]] });
  }
});

test("[TM12] a whole book within a minute is a diff that removes the levels that it has not", () => {
  const all = writer(false);
  all.update(update(1, true, ["bid", 1_000, 2_000], ["bid", 990, 1_000], ["ask", 1_010, 5]));
  const whole = dataOf(all.update(update(2, true, ["bid", 995, 7_000], ["bid", 990, 1_000], ["ask", 1_020, 6])));
  expect(whole).toMatchObject({
    b: [
      ["100.0", "0"],
      ["99.5", "7.000"],
      ["99.0", "1.000"],
    ],
    a: [
      ["101.0", "0"],
      ["102.0", "0.006"],
    ],
  });
});
