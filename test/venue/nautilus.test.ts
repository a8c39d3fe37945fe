import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { accountAnswer } from "@tapedeck/protocol";
import { describe, expect } from "vitest";
import { z } from "zod";
import { type TestCluster, testOnCluster } from "../support/cluster.js";
import { Python } from "../support/python.js";
import { recordedFiles } from "../support/tapes.js";
import { expectReconciled, tradeReport } from "../support/venue/reconciled.js";
import { ed25519VenueKey, venueAddress, venueKey } from "../support/venue-bot.js";

const execute = promisify(execFile);
const test = testOnCluster(() => ({ venues: 2, gateways: 1, apis: 1, tickers: 1 }));

/** A node starts twice in each market, and is 300 MB to install: both take minutes of a slow machine. */
const isWanted = process.env.TAPEDECK_TEST_CLIENTS === "all" && recordedFiles("usdm").length > 0;
if (!isWanted)
  console.warn("SKIPPED: nautilus_trader at the venue, without TAPEDECK_TEST_CLIENTS=all and a recording.");
/** The last version for Python 3.11 has user data by listen key, those for 3.12 and later by the WebSocket API. */
const isNewer = isWanted && (await hasPython312());
const python = isWanted
  ? await Python.with(isNewer ? "nautilus_trader==1.231.0" : "nautilus_trader==1.221.0")
  : undefined;
const program = fileURLToPath(new URL("clients/nautilus.py", import.meta.url));

const markets = ["spot", "usdm"] as const;
const orders = Number(process.env.TAPEDECK_VENUE_ORDERS ?? 12);

const report = tradeReport.extend({
  version: z.string(),
  /** The orders that it knew to be open when it had started. */
  found: z.array(z.string()),
  refused: z.array(z.string()),
  /** Of its local book, once it was the venue's. */
  levels: z.int(),
  position: z.string(),
  balances: z.record(z.string(), z.string()),
});

async function hasPython312(): Promise<boolean> {
  const command = process.env.TAPEDECK_TEST_PYTHON ?? "python3";
  const answer = execute(command, ["-c", "import sys; print(sys.version_info >= (3, 12))"]);
  return answer.then(
    ({ stdout }) => stdout.trim() === "True",
    () => false,
  );
}

/** Newer versions log in over the spot market's WebSocket API, which takes Ed25519 keys only. */
async function keyFor(cluster: TestCluster, id: string, market: "spot" | "usdm") {
  if (market === "usdm" || !isNewer) return venueKey(cluster, id);
  const { apiKey, secret } = await ed25519VenueKey(cluster, id);
  return { apiKey, secret: secret.export({ type: "pkcs8", format: "pem" }) };
}

describe.skipIf(python === undefined)("nautilus_trader, with addresses and a key of its own", () => {
  test.for(markets)(
    "[VK40] trades on the %s market, recovers from a seek with the venue's book, and finds its open order after a start",
    { timeout: 300_000 },
    async (market, { cluster }) => {
      const { session_id: id } = await cluster.http.create({ tape: "usdm" });
      await cluster.http.control(id, "start");
      const task = {
        ...(await keyFor(cluster, id, market)),
        ...{ market, symbol: "BTCUSDT", orders, amount: "0.010", session: id, api: cluster.apis[0]?.url },
        [market]: venueAddress(cluster, id, market),
      };
      const run = async (phase: "trade" | "resume") =>
        report.parse(await python?.runFile(program, JSON.stringify({ ...task, phase })));

      const traded = await run("trade");
      expect(traded.open).toBe(1);
      expect(traded.refused).toHaveLength(1);
      expect(traded.refused[0]).toContain(market === "spot" ? "-2010" : "-5022");
      expect(traded.levels).toBeGreaterThan(1_000);
      await expectReconciled(cluster, id, { ...traded, open: 0 }, orders);

      const resumed = await run("resume");
      expect(resumed).toMatchObject({ open: 0, refused: [], trades: traded.trades, position: expect.any(String) });
      expect(resumed.found).toHaveLength(1);
      const { account } = await cluster.http.ask(accountAnswer, "GET", `/sessions/${id}/account`);
      if (account?.kind === "futures") {
        expect(Number(resumed.position)).toBe(Number(account.position));
        expect(Number(resumed.balances.USDT)).toBe(Number(account.wallet));
      } else {
        const totals = [resumed.balances.BTC, resumed.balances.USDT].map(Number);
        expect(totals).toEqual([account?.base, account?.quote].map(Number));
      }
      cluster.note(
        `nautilus_trader ${traded.version} ${market}: ${orders} orders, ${traded.told.length} fills, as the session has them; ` +
          `a book of ${traded.levels} levels after a seek`,
      );
      await cluster.http.delete(id);
    },
  );
});
