import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect } from "vitest";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { npmClients, refusedLicences } from "../support/npm-clients.js";
import { withoutProxies } from "../support/python.js";
import { recordedFiles } from "../support/tapes.js";
import { expectReconciled, tradeReport } from "../support/venue/reconciled.js";
import { venueAddress, venueKey } from "../support/venue-bot.js";

const run = promisify(execFile);
const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("usdm").length === 0;
if (noRecording) console.warn("SKIPPED: clients of Binance at the venue, without a recording.");
const folder = noRecording ? undefined : await npmClients();
/** Orders of each client: some for the suite, a thousand to be sure. */
const orders = Number(process.env.TAPEDECK_VENUE_ORDERS ?? 12);

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
  return tradeReport.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
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
      await expectReconciled(cluster, id, said, orders);
      cluster.note(`${program} ${market}: ${orders} orders, ${said.trades.length} trades, as the session has them`);
      await cluster.http.delete(id);
    },
  );
});
