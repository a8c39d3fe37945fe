import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { fillsAnswer } from "@tapedeck/protocol";
import { describe, expect } from "vitest";
import { z } from "zod";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { npmClients, refusedLicences } from "../support/npm-clients.js";
import { recordedFiles } from "../support/tapes.js";
import { venueAddress, venueKey } from "../support/venue-bot.js";

const run = promisify(execFile);
const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("usdm").length === 0;
if (noRecording) console.warn("SKIPPED: clients of Binance at the venue, without a recording.");
const folder = noRecording ? undefined : await npmClients();
/** Orders of each client: some for the suite, a thousand to be sure. */
const orders = Number(process.env.TAPEDECK_VENUE_ORDERS ?? 12);

const report = z.looseObject({
  trades: z.array(
    z.object({
      id: z.string(),
      order: z.string(),
      side: z.string(),
      price: z.string(),
      amount: z.string(),
      fee: z.string(),
    }),
  ),
  /** Ids of the trades that the user stream told. */
  told: z.array(z.string()),
  /** The local book of the client and the venue's answer, when the market stood still. */
  open: z.int(),
});

/** Runs a client's program. Resolves to what it reports; rejects with what it printed as errors. */
async function runClient(cluster: TestCluster, program: string, id: string, market: "spot" | "usdm") {
  const task = {
    folder,
    ...(await venueKey(cluster, id)),
    spot: venueAddress(cluster, id, "spot"),
    usdm: venueAddress(cluster, id, "usdm"),
    ...{ market, symbol: "BTCUSDT", orders, amount: "0.010" },
  };
  const path = fileURLToPath(new URL(`clients/${program}`, import.meta.url));
  const timeout = 100_000 + orders * 1_000;
  const { stdout } = await run(process.execPath, [path, JSON.stringify(task)], { env: withoutProxies(), timeout });
  return report.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
}

/** The venue is on this machine, so no proxy leads to it. */
function withoutProxies(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/_proxy$/i.test(name)));
}

/** A decimal without zeros that say nothing. */
const plain = (text: string) =>
  text.replace(/\.?0+$/, (zeros) => (zeros.includes(".") || text.includes(".") ? "" : zeros));

/** What a client says of its trades is what the session has, to the last digit. */
async function expectReconciled(cluster: TestCluster, id: string, { trades, told, open }: z.infer<typeof report>) {
  const { fills } = await cluster.http.ask(fillsAnswer, "GET", `/sessions/${id}/fills?limit=1000`);
  expect(
    trades.map(({ fee, price, amount, ...rest }) => ({
      ...rest,
      price: plain(price),
      amount: plain(amount),
      fee: plain(fee),
    })),
  ).toEqual(
    fills.map(({ fill_id, order_id, side, price, amount, fee }) => ({
      ...{ id: fill_id, order: order_id, side, price: plain(price), amount: plain(amount), fee: plain(fee) },
    })),
  );
  expect(told).toEqual(trades.map((trade) => trade.id));
  expect(open).toBe(0);
  expect(fills.length).toBeGreaterThan(orders / 3);
}

describe.skipIf(folder === undefined)("clients of npm, with addresses and a key of their own", () => {
  test("their licences are permitted", async () => {
    expect(await refusedLicences()).toEqual([]);
  });

  test.for([
    ["ccxt.mjs", "spot"],
    ["ccxt.mjs", "usdm"],
    ["binance.mjs", "spot"],
    ["binance.mjs", "usdm"],
    ["binance-spot.mjs", "spot"],
  ] as const)(
    "[VK40] %s trades on the %s market, and its trades are the session's",
    async ([program, market], { cluster }) => {
      const { session_id: id } = await cluster.http.create({ tape: "usdm" });
      await cluster.http.control(id, "start");
      const said = await runClient(cluster, program, id, market);
      await expectReconciled(cluster, id, said);
      cluster.note(`${program} ${market}: ${orders} orders, ${said.trades.length} trades, as the session has them`);
      await cluster.http.delete(id);
    },
  );
});
