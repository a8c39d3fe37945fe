import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect } from "vitest";
import { z } from "zod";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { type Program, Python } from "../support/python.js";
import { recordedFiles } from "../support/tapes.js";
import { expectReconciled, tradeReport } from "../support/venue/reconciled.js";
import { venueAddress, venueKey } from "../support/venue-bot.js";

const run = promisify(execFile);
const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

const noRecording = recordedFiles("usdm").length === 0;
if (noRecording) console.warn("SKIPPED: clients of Binance in Python at the venue, without a recording.");
const folder = fileURLToPath(new URL("clients/python/", import.meta.url));
const python = noRecording ? undefined : await Python.locked(`${folder}requirements.txt`);
/** Orders of each client in each market: some for the suite, a thousand to be sure. */
const orders = Number(process.env.TAPEDECK_VENUE_ORDERS ?? 12);
const timeout = 230_000 + orders * 2_000;
/** Less, so that a program that hangs has its output in the failure. */
const runMs = timeout - 20_000;

/** Runs a program that trades in several markets at once. Rejects with what it printed as errors if it fails. */
async function reportsOf({ command, args, env }: Program) {
  const { stdout } = await run(command, [...args], { env, timeout: runMs, maxBuffer: 1 << 26 });
  return z.array(tradeReport).parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
}

/** A playing session for a market, and what a client needs to trade there. */
async function taskAt(cluster: TestCluster, market: "spot" | "usdm") {
  const { session_id: id } = await cluster.http.create({ tape: "usdm" });
  await cluster.http.control(id, "start");
  const url = venueAddress(cluster, id, market, market === "spot" ? 0 : 1);
  return { id, url, market, symbol: "BTCUSDT", orders, amount: "0.010", ...(await venueKey(cluster, id)) };
}

describe.skipIf(python === undefined)("clients in Python, with addresses and a key of their own", () => {
  test("their licences permit to run them", async () => {
    expect(await python?.refusedLicences()).toEqual([]);
  });

  describe.concurrent("all at once", () => {
    test.for(["python_binance.py", "binance_sdk.py", "ccxt_pro.py"])(
      "[VK40] %s trades on both markets, and its trades are the session's",
      { timeout },
      async (program, { cluster }) => {
        if (python === undefined) return;
        const tasks = await Promise.all([taskAt(cluster, "spot"), taskAt(cluster, "usdm")]);
        const reports = await reportsOf(python.program(`${folder}${program}`, JSON.stringify(tasks)));
        expect(reports).toHaveLength(tasks.length);
        for (const [at, { id, market }] of tasks.entries()) {
          const report = reports[at];
          if (report === undefined) throw new Error(`${program} reports nothing of ${market}`);
          await expectReconciled(cluster, id, report, orders);
          cluster.note(
            `${program} ${market}: ${orders} orders, ${report.trades.length} trades, as the session has them`,
          );
          await cluster.http.delete(id);
        }
      },
    );
  });
});
