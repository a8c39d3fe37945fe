import { fileURLToPath } from "node:url";
import { accountAnswer, fillsAnswer } from "@tapedeck/protocol";
import { describe, expect } from "vitest";
import { z } from "zod";
import { testOnCluster } from "../support/cluster.js";
import { Python } from "../support/python.js";
import { recordedFiles } from "../support/tapes.js";
import { venueAddress, venueKey } from "../support/venue-bot.js";

const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("usdm").length === 0;
if (noRecording) console.warn("SKIPPED: freqtrade at the venue, without a recording.");
/** It takes 770 MB, and half a minute for each start. */
const isWanted = process.env.TAPEDECK_TEST_CLIENTS === "all";
if (!isWanted) console.warn("SKIPPED: freqtrade at the venue, without TAPEDECK_TEST_CLIENTS=all.");
// It is GPL: tests run it as it is, from a folder of its own.
const python = noRecording || !isWanted ? undefined : await Python.with("freqtrade==2026.9");
const program = fileURLToPath(new URL("clients/freqtrade/bot.py", import.meta.url));

const report = z.object({
  orders: z.array(z.object({ id: z.string(), side: z.enum(["buy", "sell"]), price: z.number(), amount: z.number() })),
  /** Of the quote currency. */
  balance: z.number(),
});
type Report = z.infer<typeof report>;

/** What the session's fills say of each order, as a bot does that knows average prices. */
function ordersOf(fills: z.infer<typeof fillsAnswer>["fills"]): Report["orders"] {
  const orders = new Map<string, { side: "buy" | "sell"; amount: number; cost: number }>();
  for (const { order_id: id, side, price, amount } of fills) {
    const known = orders.get(id) ?? { side, amount: 0, cost: 0 };
    orders.set(id, { side, amount: known.amount + Number(amount), cost: known.cost + Number(price) * Number(amount) });
  }
  return [...orders].map(([id, { side, amount, cost }]) => ({ id, side, price: cost / amount, amount }));
}

describe.skipIf(python === undefined)("freqtrade, with addresses and a key of its own", () => {
  test.for([
    ["dry", "spot"],
    ["live", "spot"],
    ["live", "usdm"],
  ] as const)(
    "[VK40] trades %s on the %s market, and its orders are the session's",
    { timeout: 180_000 },
    async ([mode, market], { cluster }) => {
      const { session_id: id } = await cluster.http.create({ tape: "usdm" });
      await cluster.http.control(id, "start");
      // It trades with candles that have closed.
      await cluster.http.control(id, "seek", { fraction: 0.5 });
      const [spot, usdm] = (["spot", "usdm"] as const).map((of) => venueAddress(cluster, id, of));
      const task = { ...(await venueKey(cluster, id)), spot, usdm, mode, market, orders: 12 };
      const said = report.parse(await python?.runFile(program, JSON.stringify(task)));

      expect(said.orders.length).toBeGreaterThanOrEqual(12);
      const list = async () => (await cluster.http.ask(fillsAnswer, "GET", `/sessions/${id}/fills?limit=1000`)).fills;
      // An api says what has happened with the frame at the playhead: the next one comes a moment later.
      if (mode !== "dry")
        await expect.poll(async () => ordersOf(await list()).length).toBeGreaterThanOrEqual(said.orders.length);
      const fills = await list();
      if (mode === "dry") {
        expect(fills).toEqual([]);
      } else {
        const close = (value: number) => expect.closeTo(value, 8);
        expect(said.orders).toEqual(
          ordersOf(fills).map((order) => ({ ...order, price: close(order.price), amount: close(order.amount) })),
        );
        const { account } = await cluster.http.ask(accountAnswer, "GET", `/sessions/${id}/account`);
        expect(said.balance).toBeCloseTo(Number(account?.kind === "futures" ? account.wallet : account?.quote), 8);
      }
      const compared = mode === "dry" ? "none in the session" : "as the session has them";
      cluster.note(`freqtrade ${mode} ${market}: ${said.orders.length} orders, ${compared}`);
      await cluster.http.delete(id);
    },
  );
});
