import { fileURLToPath } from "node:url";
import { trackOf } from "@tapedeck/tape";
import { expect } from "vitest";
import { z } from "zod";
import { testOnCluster } from "../../support/cluster.js";
import { Python } from "../../support/python.js";
import { recordedFiles } from "../../support/tapes.js";
import { effectiveEvents, numbers } from "./track-events.js";

const isThere = recordedFiles("primary").length > 0;
if (!isThere) process.stderr.write("\nSKIPPED: nautilus' Tardis adapter, without the recording of 2023\n\n");
const python = isThere ? await Python.with("nautilus_trader==1.221.0") : undefined;
const test = testOnCluster().skipIf(python === undefined);
const program = fileURLToPath(new URL("nautilus.py", import.meta.url));

const levels = z.array(z.tuple([z.string(), z.string()]));
const printed = z.object({
  ...{ trades: z.string(), amount: z.string(), turnover: z.string(), deltas: z.string(), updates: z.string() },
  ...{ crossed: z.string(), first_id: z.string(), last_id: z.string(), bids: levels, asks: levels },
  ...{ quotes: z.int(), last_quote: z.string(), bars: z.array(z.array(z.string())) },
});

test("[TM20] nautilus_trader's Tardis adapter reads a tape: its trades and its book are the tape's, to the last digit", async ({
  cluster,
}) => {
  const { tape } = await cluster.recording("primary");
  const args = [cluster.url, "binance-futures", "BTCUSDT", "2023-04-04", "2023-04-06"];
  const seen = printed.parse(await python?.runFile(program, ...args));

  const track = trackOf(tape);
  const { trades, updates } = await effectiveEvents(track);
  const { price, size } = track.decimals;
  const sum = (units: readonly bigint[]) => units.reduce((total, value) => total + value, 0n);
  const amounts = trades.map(({ amountUnits }) => BigInt(amountUnits));
  expect(Number(seen.trades)).toBe(trades.length);
  expect(unitsOf(seen.amount, size)).toBe(sum(amounts));
  const turnovers = trades.map(({ priceUnits, amountUnits }) => BigInt(priceUnits) * BigInt(amountUnits));
  expect(unitsOf(seen.turnover, price + size)).toBe(sum(turnovers));
  expect([seen.first_id, seen.last_id]).toEqual([trades[0]?.id, trades.at(-1)?.id]);

  const changes = updates.reduce((count, { levels: changed }) => count + changed.length, 0);
  expect([Number(seen.updates), Number(seen.deltas)]).toEqual([updates.length, changes]);
  expect(seen.crossed).toBe("0");
  const { bids, asks } = await track.bookAt({ n: Number.MAX_SAFE_INTEGER });
  // nautilus 1.221 cuts an amount's double after multiplying it: 1.021 becomes 1.020 in its book, and in no quote.
  const cut = (side: typeof bids) =>
    side.map(([at, amount]) => [at, Math.floor(amount * 10 ** size) / 10 ** size] as const);
  expect([numbers(seen.bids), numbers(seen.asks)]).toEqual([cut(bids), cut(asks)]);

  const best = [...(bids[0] ?? []), ...(asks[0] ?? [])];
  expect(seen.last_quote.split(" ").map(Number)).toEqual(best);
  expect(seen.bars).toHaveLength(new Set(trades.map(({ timestampNs }) => timestampNs / 60_000_000_000n)).size);
  const volumes = seen.bars.map(([, , , , volume = ""]) => unitsOf(volume, size));
  expect(sum(volumes)).toBe(sum(amounts));
});

/** A decimal as a whole number of its last decimal. */
function unitsOf(text: string, decimals: number): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(decimals, "0").slice(0, decimals));
}
