import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect } from "vitest";
import { z } from "zod";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { recordedFiles } from "../support/tapes.js";
import { type CompiledClient, goClient, javaClient } from "../support/venue/compiled-clients.js";
import { expectReconciled, tradeReport } from "../support/venue/reconciled.js";
import { venueAddress, venueKey } from "../support/venue-bot.js";

const run = promisify(execFile);
const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("usdm").length === 0;
if (noRecording) console.warn("SKIPPED: clients of Binance in Go and Java at the venue, without a recording.");
/** Maven and the compiler take half a minute. */
const isAll = process.env.TAPEDECK_TEST_CLIENTS === "all";
const go = noRecording ? undefined : await goClient();
const java = noRecording || !isAll ? undefined : await javaClient();
const orders = Number(process.env.TAPEDECK_VENUE_ORDERS ?? 12);

const report = tradeReport.extend({
  depth: z.int().describe("updates of the book, each with the id after the one before"),
});

/** Trades in a session of its own, and compares what the client says of it. */
async function expectTrades(
  cluster: TestCluster,
  { name, command, args, env }: CompiledClient,
  market: "spot" | "usdm",
) {
  const { session_id: id } = await cluster.http.create({ tape: "usdm" });
  await cluster.http.control(id, "start");
  const task = {
    ...(await venueKey(cluster, id)),
    ...{ spot: venueAddress(cluster, id, "spot"), usdm: venueAddress(cluster, id, "usdm") },
    ...{ market, symbol: "BTCUSDT", orders, amount: "0.010" },
  };
  const timeout = 100_000 + orders * 1_000;
  const { stdout } = await run(command, [...args, JSON.stringify(task)], { env, timeout, maxBuffer: 1 << 26 });
  const said = report.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
  await expectReconciled(cluster, id, said, orders);
  expect(said.depth).toBeGreaterThan(10);
  cluster.note(`${name} ${market}: ${orders} orders, ${said.trades.length} trades, as the session has them`);
  await cluster.http.delete(id);
}

describe.skipIf(go === undefined)("go-binance, with addresses and a key of its own", () => {
  test.for(["spot", "usdm"] as const)(
    "[VK40] trades on the %s market, and its trades are the session's",
    { timeout: 120_000 + orders * 1_000 },
    async (market, { cluster }) => {
      if (go !== undefined) await expectTrades(cluster, go, market);
    },
  );
});

describe.skipIf(java === undefined)("binance-connector-java, with addresses and a key of its own", () => {
  test("[VK40] trades on the spot market, and its trades are the session's", {
    timeout: 120_000 + orders * 1_000,
  }, async ({ cluster }) => {
    if (java !== undefined) await expectTrades(cluster, java, "spot");
  });
});
